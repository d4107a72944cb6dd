import { useEffect, useRef, useState } from "preact/hooks";
import { SAMPLES, SHAPES } from "../state/settings.js";
import { store } from "../state/store.js";
import { About } from "../views/about.js";
import { NumberField } from "../views/number-field.js";

const NAMES = {
  moons: "Moons",
  blobs: "Blobs",
  rings: "Rings",
  spiral: "Spiral",
  emoji: "Emoji",
  words: "Words",
  digits: "Digits",
} as const;

const DRAGS = ["dragover", "dragleave", "drop"] as const;

export function DataPanel() {
  const { data, points } = store.settings.value;
  const dataset = store.dataset.value;
  const picker = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const isShape = (SHAPES as readonly string[]).includes(data);
  const open = (files: FileList | null | undefined): void => {
    const file = files?.[0];
    if (file) void store.openFile(file);
  };
  useEffect(() => {
    const drag = (event: DragEvent): void => {
      // Else the browser would leave the page for the file.
      event.preventDefault();
      setOver(event.type === "dragover");
      if (event.type === "drop") open(event.dataTransfer?.files);
    };
    for (const kind of DRAGS) document.addEventListener(kind, drag);
    return () => {
      for (const kind of DRAGS) document.removeEventListener(kind, drag);
    };
  }, []);
  return (
    <section aria-labelledby="data-title" class={over ? "over" : undefined}>
      <h2 id="data-title">Data</h2>
      <About guide="first-ids.html" topic="embeddings and their ids">
        Rows of numbers, one for each item; rows that lie close together are alike.
      </About>
      <div class="choices four" role="group" aria-labelledby="data-title">
        {[...SHAPES, ...SAMPLES].map((name) => (
          <button type="button" aria-pressed={data === name} onClick={() => store.chooseData(name)}>
            {NAMES[name]}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={data === "file"}
          title="a file of your own"
          onClick={() => picker.current?.click()}
        >
          File…
        </button>
      </div>
      <input
        ref={picker}
        type="file"
        hidden
        aria-label="A file of vectors"
        accept=".npy,.csv,.tsv,.jsonl,.ndjson,.parquet,.arrow,.feather,.fvecs,.bvecs,.safetensors"
        onChange={({ currentTarget }) => {
          open(currentTarget.files);
          currentTarget.value = "";
        }}
      />
      {isShape && (
        <NumberField
          label="points"
          name="points"
          value={points}
          onChange={(value) => store.changePoints(value)}
        />
      )}
      <p class="note" aria-live="polite">
        {store.loading.value
          ? "Loading…"
          : dataset
            ? `${dataset.title}: ${dataset.rows.rows} rows of ${dataset.rows.cols} values`
            : "Choose a .npy, .csv, .jsonl or .parquet file, or drop it here. It stays in this page, and is not in the address that you share."}
      </p>
    </section>
  );
}
