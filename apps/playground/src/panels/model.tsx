import { useRef } from "preact/hooks";
import { blocksOf, specOf } from "../state/blocks.js";
import { caretOf } from "../state/caret.js";
import { store } from "../state/store.js";
import { About } from "../views/about.js";
import { NumberField } from "../views/number-field.js";

const EXAMPLES: readonly (readonly [spec: string, what: string])[] = [
  ["vq16", "one codebook"],
  ["rq2x8", "residual: coarse to fine"],
  ["pq2x16", "product: a codebook for each half of the columns"],
  ["sq4", "scalar: 4 bits a value"],
  ["ae(32,8,2)>rq2x8", "RQ-VAE: codebooks in the latent of an autoencoder"],
];
const LEVELS = ["vq16", "vq64", "vq256", "rq2x16", "split2(vq16)", "sq4", "sign"];
const TRANSFORMS = ["center", "normalize", "pca2", "rotation", "ae(32,8,2)"];

export function ModelPanel() {
  const { spec } = store.settings.value;
  const parsed = store.parsed.value;
  const wrong = "message" in parsed ? parsed : undefined;
  const set = (text: string): void => store.change({ spec: text, level: 0 });
  return (
    <section aria-labelledby="model-title">
      <h2 id="model-title">Model</h2>
      <About guide="algebra.html" topic="the algebra">
        Writes a row in a few codes. <code>+</code> adds a level, <code>&gt;</code> puts a transform
        first.
      </About>
      <label class="spec">
        <span class="hidden">Quantizer, as an expression</span>
        <input
          type="text"
          value={spec}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          aria-invalid={wrong !== undefined}
          aria-describedby="spec-error"
          onInput={({ currentTarget }) => set(currentTarget.value)}
        />
      </label>
      <div id="spec-error" role="status">
        {wrong && (
          <>
            <pre class="caret" aria-hidden="true">
              {caretOf(spec, wrong.start, wrong.end)}
            </pre>
            <p class="error">
              {wrong.message}
              {wrong.hint && <small>{wrong.hint}</small>}
            </p>
          </>
        )}
      </div>
      {!wrong && <BlockEditor spec={spec} onChange={set} />}
      <details>
        <summary>Examples</summary>
        <ul class="examples">
          {EXAMPLES.map(([example, what]) => (
            <li>
              <button type="button" onClick={() => set(example)}>
                {example}
              </button>{" "}
              {what}
            </li>
          ))}
        </ul>
      </details>
      <TrainingSettings />
    </section>
  );
}

/** Settings of the training that matter to this kind of model. */
function TrainingSettings() {
  const settings = store.settings.value;
  const field = (label: string, name: TrainingSetting) => (
    <NumberField
      label={label}
      name={name}
      value={settings[name]}
      onChange={(value) => store.change({ [name]: value })}
    />
  );
  if (!store.usesAutoencoder.value) return field("iterations", "iterations");
  return (
    <details>
      <summary>Training of the autoencoder</summary>
      <div class="fields three">
        {field("steps", "steps")}
        {field("pretraining", "pretraining")}
        {field("batch", "batchSize")}
        {field("learning rate", "learningRate")}
        {field("separation", "separation")}
      </div>
    </details>
  );
}

type TrainingSetting =
  | "iterations"
  | "steps"
  | "pretraining"
  | "batchSize"
  | "learningRate"
  | "separation";

/** The spec as blocks that can be changed, taken out and added. */
function BlockEditor({
  spec,
  onChange,
}: {
  readonly spec: string;
  readonly onChange: (spec: string) => void;
}) {
  const blocks = blocksOf(spec);
  const group = useRef<HTMLDivElement>(null);
  const replace = (kind: "transforms" | "levels", at: number, text: string | undefined): void => {
    const parts = blocks[kind].flatMap((part, i) => (i === at ? (text ? [text] : []) : [part]));
    if (kind === "levels" && parts.length === 0) return;
    onChange(specOf({ ...blocks, [kind]: parts }));
  };
  const list = (kind: "transforms" | "levels", what: string) =>
    blocks[kind].map((part, at) => (
      <span class={`block ${kind}`}>
        <input
          aria-label={`${what} ${at + 1}`}
          value={part}
          size={Math.max(3, part.length)}
          spellcheck={false}
          onChange={({ currentTarget }) => replace(kind, at, currentTarget.value.trim())}
        />
        {(kind === "transforms" || blocks.levels.length > 1) && (
          <button
            type="button"
            aria-label={`remove ${part}`}
            onClick={() => {
              replace(kind, at, undefined);
              // The button goes; the focus should not go with it.
              group.current?.querySelector("input")?.focus();
            }}
          >
            ×
          </button>
        )}
      </span>
    ));
  const adder = (label: string, choices: readonly string[], add: (text: string) => void) => (
    <select
      aria-label={label}
      value=""
      onChange={({ currentTarget }) => {
        const { value } = currentTarget;
        currentTarget.value = "";
        if (value) add(value);
      }}
    >
      <option value="">{label}…</option>
      {choices.map((choice) => (
        <option value={choice}>{choice}</option>
      ))}
    </select>
  );
  return (
    <div class="blocks" role="group" aria-label="Blocks of the model" ref={group}>
      {list("transforms", "transform")}
      {list("levels", "level")}
      {adder("+ level", LEVELS, (text) =>
        onChange(specOf({ ...blocks, levels: [...blocks.levels, text] })),
      )}
      {adder("+ transform", TRANSFORMS, (text) =>
        onChange(specOf({ ...blocks, transforms: [...blocks.transforms, text] })),
      )}
    </div>
  );
}
