import { Codes } from "@tessera/core";
import { encodeNpy } from "@tessera/io";
import { assignSemanticIds, idsToJson } from "@tessera/semantic-ids";
import { useState } from "preact/hooks";
import { labelOf } from "../data/dataset.js";
import { dataFileOf, programOf } from "../state/reproduce.js";
import { store } from "../state/store.js";
import { About } from "../views/about.js";
import { download } from "../views/download.js";

/** Files of what was learned, and how to get them elsewhere. */
export function TakeAwayPanel() {
  const result = store.result.value;
  const dataset = store.dataset.value;
  const settings = store.settings.value;
  const [shown, setShown] = useState<"command" | "program">("command");
  const [copied, setCopied] = useState("");
  const spec = store.parsed.value;
  const program = "message" in spec ? "" : programOf(settings, dataset, spec);
  const text = shown === "command" ? store.command.value : program;
  const copy = (what: string, value: string): void => {
    navigator.clipboard.writeText(value).then(
      () => setCopied(`${what} copied`),
      () => setCopied("the browser did not allow it: select and copy by hand"),
    );
  };
  const codes = (): Codes => new Codes(result!.codes, result!.cardinalities);
  const ids = (): string =>
    idsToJson({
      items: Array.from({ length: result!.rows }, (_, row) => `${row} ${labelOf(dataset!, row)}`),
      ids: assignSemanticIds(codes()),
    });
  return (
    <section aria-labelledby="take-title">
      <h2 id="take-title">Take away</h2>
      <About guide="first-ids.html#in-a-program" topic="in a program">
        The files of this run, and the command or program that repeats it from the data.
      </About>
      <div class="buttons" role="group" aria-label="Files">
        <button
          type="button"
          disabled={!result}
          onClick={() => download("model.safetensors", result!.model)}
        >
          Model
        </button>
        <button
          type="button"
          disabled={!result}
          onClick={() =>
            download(
              "codes.npy",
              encodeNpy(result!.codes, [result!.rows, result!.cardinalities.length]),
            )
          }
        >
          Codes
        </button>
        <button type="button" disabled={!result} onClick={() => download("ids.json", ids())}>
          Semantic IDs
        </button>
        <button
          type="button"
          disabled={!dataset}
          onClick={() =>
            download(
              dataFileOf(settings, dataset),
              encodeNpy(dataset!.rows.data, [dataset!.rows.rows, dataset!.rows.cols]),
            )
          }
        >
          Data
        </button>
      </div>
      <div class="choices" role="group" aria-label="How to repeat this run">
        <button
          type="button"
          aria-pressed={shown === "command"}
          onClick={() => setShown("command")}
        >
          Command
        </button>
        <button
          type="button"
          aria-pressed={shown === "program"}
          onClick={() => setShown("program")}
        >
          TypeScript
        </button>
        <button
          type="button"
          onClick={() => copy(shown === "command" ? "Command" : "Program", text)}
        >
          Copy
        </button>
        <button type="button" onClick={() => copy("Link", location.href)}>
          Copy link
        </button>
      </div>
      <pre tabIndex={0} aria-label="How to repeat this run, from the data above">
        {text}
      </pre>
      <p class="note" role="status">
        {copied ||
          (settings.data === "file"
            ? "The link has the settings, not your data."
            : "The link has all that this run follows from.")}
      </p>
    </section>
  );
}
