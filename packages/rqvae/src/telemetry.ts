import type { OnProgress } from "@tessera/core";
import type { TrainingEvent } from "./events.js";
import type { Health } from "./health.js";
import { learningRateAt, type Plan } from "./plan.js";
import type { StepLosses } from "./trainer.js";

export interface TelemetryOptions {
  readonly plan: Plan;
  readonly onProgress?: OnProgress | undefined;
  readonly onEvent?: ((event: TrainingEvent) => void) | undefined;
  /** Steps between two events of a step. Default 10. */
  readonly logEvery?: number | undefined;
}

/** Tells of a run as it goes. Losses are read while further steps are enqueued. */
export class Telemetry {
  readonly #options: TelemetryOptions;
  #pending: { readonly step: number; readonly losses: Promise<readonly Float32Array[]> }[] = [];
  #figures: Readonly<Record<string, number>> = {};

  constructor(options: TelemetryOptions) {
    this.#options = options;
  }

  event(event: TrainingEvent): void {
    this.#options.onEvent?.(event);
  }

  /** What a review found, also for the progress. */
  review(event: Extract<TrainingEvent, { kind: "review" }>): void {
    this.#figures = { ...this.#figures, ...figuresOf(event) };
    this.event(event);
  }

  /** Begins to read the losses of the step that was taken last, if they are to be told. */
  measure(step: number, { reconstruction, quantization }: StepLosses): void {
    const { onEvent, onProgress, logEvery = 10 } = this.#options;
    if (step % logEvery !== 0 || (!onEvent && !onProgress)) return;
    const losses = Promise.all([
      reconstruction.read(),
      ...(quantization ? [quantization.read()] : []),
    ]);
    losses.catch(() => undefined);
    this.#pending.push({ step, losses });
  }

  /** Tells of the steps that were measured up to one, once their losses are read. */
  async catchUp(last: number): Promise<void> {
    const pending = this.#pending.filter(({ step }) => step <= last);
    this.#pending = this.#pending.slice(pending.length);
    for (const { step, losses } of pending) {
      const [errors, distances] = await losses;
      const sum = (values: Float32Array): number => values.reduce((all, value) => all + value, 0);
      const reconstruction = sum(errors!);
      const quantization = distances ? sum(distances) / errors!.length : 0;
      const learningRate = learningRateAt(step - 1, this.#options.plan);
      this.event({ kind: "step", step, reconstruction, quantization, learningRate });
      this.#figures = { ...this.#figures, loss: reconstruction };
    }
  }

  /** What it gives is to be waited for: whoever is told may hold the run up. */
  progress(done: number, total: number): unknown {
    // The loss first: a narrow terminal shows that alone.
    const { loss, ...others } = this.#figures;
    const figures = { ...(loss !== undefined && { loss }), ...others };
    return this.#options.onProgress?.({ task: "train", done, total, unit: "steps", figures });
  }
}

function figuresOf({ relativeDistortion, distinct }: Health): Readonly<Record<string, number>> {
  return { distortion: relativeDistortion, distinct };
}
