import {
  AbortedError,
  type Model,
  parseSpec,
  pause,
  type Progress,
  TesseraError,
} from "@tessera/core";
import type { TrainingEvent } from "@tessera/rqvae";
import { Fitted } from "./fitted.js";
import { Gate } from "./gate.js";
import { LiveViews } from "./live.js";
import type { Answer, Failure, Figures, RunOptions } from "./protocol.js";
import { allQuantizers } from "./quantizers.js";
import { startBackend } from "./start-backend.js";

/** Milliseconds that a step is shown where learning is slowed down. */
const SLOW_STEP = 110;
/** Milliseconds between two messages of the same kind while work goes on. */
const BETWEEN_MESSAGES = 80;
/** Milliseconds between two looks at an autoencoder, which has to encode all rows for each. */
const BETWEEN_VIEWS = 300;

type Send = (answer: Answer) => void;

/** One training, from the start of the backend to the questions about its model. */
export class Run {
  readonly gate: Gate;
  readonly fitted: Promise<Fitted | undefined>;
  readonly #options: RunOptions;
  readonly #send: Send;
  #told = -Infinity;
  #turned = -Infinity;
  #shown = -Infinity;

  constructor(options: RunOptions, send: Send, paused: boolean) {
    this.#options = options;
    this.#send = send;
    this.gate = new Gate(paused, () => send({ kind: "paused" }));
    this.fitted = this.#fit().catch((error: unknown) => {
      if (!(error instanceof AbortedError)) send({ kind: "failed", failure: failureOf(error) });
      return undefined;
    });
  }

  async #fit(): Promise<Fitted> {
    const { rows, spec, seed, iterations, training, level } = this.#options;
    const backend = await startBackend(this.#options.backend);
    const { name, device, reason } = backend.info;
    this.#send({ kind: "backend", backend: { name, device, reason } });
    const live = new LiveViews(backend, parseSpec(spec), rows);
    const since = performance.now();
    const elapsed = (): number => performance.now() - since - this.gate.waited;
    const found: Figures[] = [];
    let last: Progress | undefined;
    const tell = ({ task, done, total }: Progress): void => {
      const figures = found.splice(0);
      this.#send({
        kind: "progress",
        progress: { task, done, total, figures, elapsed: elapsed() },
      });
      this.#told = performance.now();
    };
    const onProgress = async (progress: Progress): Promise<void> => {
      await this.#breathe();
      const { place, codebook, figures } = progress;
      const slow = this.#options.speed === "slow" && codebook !== undefined;
      if (codebook) live.note(place, codebook);
      // A step that is asked for is shown, however soon it is.
      const due = slow || this.gate.paused || performance.now() - this.#told >= BETWEEN_MESSAGES;
      // Iterations over all rows are few, and quick ones make a curve as well; an autoencoder has many steps.
      if (figures && (due || codebook)) found.push({ at: elapsed(), values: figures });
      last = progress;
      if (due) {
        tell(progress);
        const view = codebook && (await live.view(place));
        if (view) this.#send({ kind: "view", view });
        this.#told = performance.now();
      }
      await this.gate.pass();
      if (slow) await this.gate.rest(SLOW_STEP);
    };
    const onReview = async (model: () => Promise<Model>): Promise<void> => {
      if (performance.now() - this.#shown < BETWEEN_VIEWS) return;
      const fitted = await Fitted.of(backend, await model(), rows, elapsed());
      this.#send({ kind: "view", view: await fitted.view(level) });
      this.#shown = performance.now();
    };
    const model = await allQuantizers({
      ...training,
      onEvent: (event) => this.#onEvent(event),
      onReview,
    }).fit(spec, rows, { backend, seed, iterations, onProgress });
    if (last && found.length > 0) tell(last);
    const fitted = await Fitted.of(backend, model, rows, elapsed());
    this.#send({ kind: "done", result: fitted.result });
    this.#send({ kind: "view", view: await fitted.view(level) });
    return fitted;
  }

  /** Lets messages in from time to time. */
  async #breathe(): Promise<void> {
    if (performance.now() - this.#turned < 16) return;
    await pause();
    this.#turned = performance.now();
  }

  #onEvent(event: TrainingEvent): void {
    if (event.kind !== "review") return;
    const { step, relativeDistortion, distinct, levels } = event;
    this.#send({
      kind: "health",
      health: {
        step,
        relativeDistortion,
        distinct,
        levels: levels.map(({ usage, perplexity, dead }) => ({ usage, perplexity, dead })),
      },
    });
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof TesseraError) return { message: error.message, hint: error.hint };
  return { message: error instanceof Error ? error.message : String(error), hint: undefined };
}
