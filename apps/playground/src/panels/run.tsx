import type { ProgressFacts } from "../engine/protocol.js";
import { BACKENDS, type BackendChoice, type Speed, SPEEDS } from "../state/settings.js";
import { store } from "../state/store.js";
import { About } from "../views/about.js";
import { NumberField } from "../views/number-field.js";
import { seconds } from "../views/text.js";

const NAMES: Readonly<Record<BackendChoice, string>> = {
  auto: "automatic",
  webgpu: "WebGPU",
  wasm: "wasm, threads",
  "wasm-1": "wasm, one thread",
};

export function RunPanel() {
  const { seed, backend, speed } = store.settings.value;
  return (
    <section aria-labelledby="run-title">
      <h2 id="run-title">Run</h2>
      <About guide="backends.html" topic="backends">
        Moves codewords to where rows lose least, on your own machine.
      </About>
      <div class="buttons">
        <TrainButtons />
      </div>
      <Status />
      <Failed />
      <div class="fields">
        <NumberField
          label="seed"
          name="seed"
          value={seed}
          onChange={(value) => store.change({ seed: value })}
        />
        <label class="field">
          <span>speed</span>
          <select
            value={speed}
            onChange={({ currentTarget }) => store.change({ speed: currentTarget.value as Speed })}
          >
            {SPEEDS.map((name) => (
              <option value={name}>{name === "slow" ? "slow, to watch" : "full"}</option>
            ))}
          </select>
        </label>
      </div>
      <label class="field">
        <span>compute on</span>
        <select
          value={backend}
          onChange={({ currentTarget }) =>
            store.change({ backend: currentTarget.value as BackendChoice })
          }
        >
          {BACKENDS.map((name) => (
            <option value={name}>{NAMES[name]}</option>
          ))}
        </select>
      </label>
      {store.backend.value && (
        <p class="note" title={store.backend.value.reason}>
          {store.backend.value.device}
        </p>
      )}
    </section>
  );
}

export function TrainButtons() {
  const phase = store.phase.value;
  const ready = store.ready.value;
  return (
    <>
      {phase === "running" ? (
        <button type="button" class="main" onClick={store.pause}>
          Pause
        </button>
      ) : (
        <button type="button" class="main" disabled={!ready} onClick={store.play}>
          {phase === "paused" ? "Go on" : phase === "done" ? "Train again" : "Train"}
        </button>
      )}
      <button type="button" disabled={!ready || phase === "running"} onClick={store.step}>
        Step
      </button>
      <button type="button" disabled={phase === "idle"} onClick={store.reset}>
        Reset
      </button>
    </>
  );
}

export function Failed() {
  const failure = store.failure.value;
  return (
    <>
      {failure && (
        <p class="error" role="alert">
          {failure.message}
          {failure.hint && <small>{failure.hint}</small>}
        </p>
      )}
    </>
  );
}

export function Status() {
  const progress = store.progress.value;
  const result = store.result.value;
  const phase = store.phase.value;
  const text = result
    ? `Trained in ${seconds(result.elapsed)}.`
    : phase === "idle"
      ? "Not started."
      : progress
        ? `${phase === "paused" ? "Paused: " : ""}${progress.task}`
        : "Starting…";
  return (
    <>
      {/* Read out when it changes, which it does for each task, not for each step. */}
      <p class="status" role="status">
        {text}
      </p>
      {progress && !result && <Steps progress={progress} />}
    </>
  );
}

function Steps({ progress }: { readonly progress: ProgressFacts }) {
  const { task, done, total, elapsed } = progress;
  const left = total && done > 0 ? (elapsed * (total - done)) / done : undefined;
  const rate = elapsed > 0 ? (1000 * done) / elapsed : 0;
  return (
    <>
      <progress value={done} max={total ?? done} aria-label={task} />
      <p class="note figures">
        {done}
        {total === undefined ? "" : ` of ${total}`}
        {task === "train" && rate > 0 ? ` · ${Math.round(rate)} a second` : ""}
        {task === "train" && left !== undefined ? ` · ${seconds(left)} left` : ""}
      </p>
    </>
  );
}
