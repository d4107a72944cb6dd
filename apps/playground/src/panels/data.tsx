import { useRef, useState } from "preact/hooks";
import { SAMPLES, SHAPES } from "../state/settings.js";
import { store } from "../state/store.js";
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
  return (
    <section
      aria-labelledby="data-title"
      class={over ? "over" : undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        open(event.dataTransfer?.files);
      }}
    >
      <h2 id="data-title">Data</h2>
      <div class="choices" role="group" aria-labelledby="data-title">
        {[...SHAPES, ...SAMPLES].map((name) => (
          <button type="button" aria-pressed={data === name} onClick={() => store.chooseData(name)}>
            {NAMES[name]}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={data === "file"}
          onClick={() => picker.current?.click()}
        >
          Your own…
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
