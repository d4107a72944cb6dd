import {
  ArgumentError,
  checkFinite,
  type Matrix,
  type Model,
  NonFiniteError,
  type OnProgress,
  Random,
  type Spec,
  type Tensor,
  throwIfAborted,
  type TrainingBackend,
} from "@tessera/core";
import { checkAlignment, unitRowsAt } from "./alignment.js";
import { arrange, rowsWithTargets } from "./arrange.js";
import { Batches } from "./batches.js";
import { valuesOfModel } from "./bottleneck.js";
import { loadCheckpoint, type RunState, saveCheckpoint } from "./checkpoint.js";
import { findCollapse } from "./collapse.js";
import { TrainingError } from "./errors.js";
import type { TrainingEvent } from "./events.js";
import { countCodes, type Health, healthOf } from "./health.js";
import { initialParameters } from "./initial.js";
import { type Input, prepareInput } from "./input.js";
import { valuesOf } from "./layout.js";
import { startByPca } from "./pca-start.js";
import { heldOutRows, learningRateAt, type Plan } from "./plan.js";
import { allLatents, type Pass, passOver } from "./review.js";
import { reviveCodewords } from "./revive.js";
import { separateRows } from "./separate.js";
import type { Standard } from "./standardize.js";
import { distributionsFor, initialState, type StepLosses, Trainer } from "./trainer.js";

export interface TrainOptions {
  readonly plan: Plan;
  readonly backend: TrainingBackend;
  /** A second embedding of the rows, one for each in their order, to align latents with; the plan has its dimension. */
  readonly alignment?: Matrix | undefined;
  /** Fits the quantizer that the codebooks start from, on latents. */
  readonly fitQuantizer: (spec: Spec, latents: Matrix) => Promise<Model>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly onEvent?: ((event: TrainingEvent) => void) | undefined;
  /** Steps between two events of a step. Default 10. */
  readonly logEvery?: number | undefined;
  /** Called with the bytes of a checkpoint every so many steps; the run waits for it. */
  readonly checkpoint?:
    | { readonly every: number; readonly save: (bytes: Uint8Array) => Promise<void> }
    | undefined;
  /** A checkpoint of the same run, to go on from. */
  readonly resume?: Uint8Array | undefined;
}

/** What training came to. */
export interface Trained {
  /** Laid out as the plan says. */
  readonly parameters: Float32Array;
  /** What latents are quantized by, `[Σk, latent]`. */
  readonly codebooks: Float32Array;
  readonly standard: Standard;
  /** Of all training rows, at the end. */
  readonly health: Health;
  /** Steps taken. */
  readonly steps: number;
}

/** Steps that may be enqueued before the queue is waited for. */
const STEPS_AHEAD = 16;
/** Share of the steps with codebooks after which dead codewords are no longer replaced: late ones could not settle. */
const REVIVE_UNTIL = 0.8;
/** Reviews before codebooks that few rows use are called collapsed. */
const REVIEWS_BEFORE_COLLAPSE = 3;

/**
 * Trains an autoencoder with the codebooks of its latents: first alone, then with codebooks that start by k-means on the
 * latents of all rows. The same rows, plan and engine give the same model to the bit, also from a checkpoint.
 *
 * @param rows `[n, dimension]`, finite
 * @throws {ArgumentError} if there are fewer rows to train on than a codebook has codewords
 * @throws {ShapeError} if the second embedding does not have one row for each
 * @throws {BackendError} if the backend lacks a kernel that a setting needs
 * @throws {NonFiniteError} naming the first row that is not finite
 * @throws {TrainingError} if training diverges, or codebooks collapse and the settings say so
 * @throws {FormatError} if the checkpoint is of another run
 * @throws {AbortedError} once `signal` fires
 */
export async function train(rows: Matrix, options: TrainOptions): Promise<Trained> {
  checkFinite(rows);
  if (options.alignment) checkAlignment(options.alignment, rows);
  checkEnoughRows(rows, options.plan);
  distributionsFor(options.plan, options.backend);
  const run = new Run(rows, options);
  try {
    return await run.finish();
  } catch (error) {
    // Rows and codebooks were finite at first, so it is training that made them otherwise.
    if (!(error instanceof NonFiniteError)) throw error;
    throw new TrainingError("diverged", run.step, "a latent or codeword is no longer finite", {
      hint: "lower learningRate, or set clip to 1",
      cause: error,
    });
  } finally {
    run.dispose();
  }
}

/** Codebooks start late; that they cannot start must not come out then. */
function checkEnoughRows({ rows }: Matrix, plan: Plan): void {
  const most = plan.bottleneck.finite ? 1 : Math.max(...plan.bottleneck.sizes);
  const trained = rows - heldOutRows(rows, plan);
  if (trained >= most) return;
  throw new ArgumentError(`${most} codewords need as many rows to train on, not ${trained}`, {
    hint: "choose a smaller codebook, or bring more rows",
  });
}

class Run {
  readonly #options: TrainOptions;
  readonly #rows: Matrix;
  readonly #input: Input;
  readonly #data: Tensor<"float32">;
  readonly #heldOut: Tensor<"float32"> | undefined;
  /** Unit rows of the second embedding, for those trained on. */
  readonly #aligned: Tensor<"float32"> | undefined;
  readonly #batches: Batches;
  readonly #trainer: Trainer;
  #state: Pick<RunState, "started" | "targets" | "best" | "waited">;
  /** Rows with targets. */
  #aimed: readonly number[];
  #pending: { readonly step: number; readonly losses: Promise<readonly Float32Array[]> }[] = [];
  #figures: Readonly<Record<string, number>> = {};

  constructor(rows: Matrix, options: TrainOptions) {
    const { plan, backend, resume, alignment } = options;
    this.#options = options;
    this.#rows = rows;
    this.#input = prepareInput(rows, plan);
    const state: RunState = resume
      ? loadCheckpoint(resume, { plan, rows, alignment })
      : {
          ...initialState(plan, initialParameters(plan)),
          started: false,
          targets: undefined,
          best: undefined,
          waited: 0,
        };
    const { started, targets, best, waited } = state;
    this.#state = { started, targets, best, waited };
    this.#aimed = targets ? rowsWithTargets(targets, plan) : [];
    const { trained, heldOut } = this.#input;
    this.#batches = new Batches(trained.rows, plan.settings.batchSize, plan.seed);
    this.#data = backend.borrow(trained.data, [trained.rows, trained.cols]);
    const aligned = alignment && unitRowsAt(alignment, this.#input.indices);
    this.#aligned = aligned && backend.borrow(aligned.data, [aligned.rows, aligned.cols]);
    this.#heldOut = heldOut && backend.tensor(heldOut.data, [heldOut.rows, heldOut.cols]);
    this.#trainer = new Trainer(backend, plan, state);
  }

  get step(): number {
    return this.#trainer.step;
  }

  dispose(): void {
    for (const { losses } of this.#pending) losses.catch(() => undefined);
    this.#trainer.dispose();
    this.#data.dispose();
    this.#heldOut?.dispose();
    this.#aligned?.dispose();
  }

  async finish(): Promise<Trained> {
    const { plan, signal, checkpoint, resume, onEvent, logEvery = 10 } = this.#options;
    const run = { plan, rows: this.#rows, alignment: this.#options.alignment };
    if (resume) onEvent?.({ kind: "resume", step: this.step });
    const { pretraining, steps } = plan.settings;
    // A pass over all rows should not take longer than the steps between two of them.
    const reviewEvery = Math.max(plan.settings.reviewEvery, this.#batches.perEpoch);
    const total = pretraining + steps;
    const trainer = this.#trainer;
    if (plan.settings.start === "pca" && trainer.step === 0) await this.#startByPca();
    while (trainer.step < total) {
      throwIfAborted(signal);
      const { step } = trainer;
      if (step >= pretraining && !this.#state.started) await this.#start();
      const since = step - pretraining;
      if (
        since > 0 &&
        since % reviewEvery === 0 &&
        (await this.#review(since, since / reviewEvery))
      )
        break;
      const losses = this.#train(step);
      if (trainer.step % logEvery === 0) this.#measure(losses);
      for (const tensor of Object.values(losses)) (tensor as Tensor | undefined)?.dispose();
      if (trainer.step % STEPS_AHEAD === 0 || trainer.step === total) await this.#catchUp(total);
      if (checkpoint && trainer.step % checkpoint.every === 0) {
        await this.#catchUp(total);
        const state = { ...(await trainer.read()), ...this.#state };
        await checkpoint.save(saveCheckpoint(state, run));
      }
    }
    await this.#catchUp(total);
    return this.#result();
  }

  async #startByPca(): Promise<void> {
    const { plan, backend, signal } = this.#options;
    const state = await this.#trainer.read();
    const parameters = state.parameters.slice();
    await startByPca(parameters, plan, this.#input.trained, { backend, signal });
    this.#trainer.write({ ...state, parameters });
  }

  /** One step on its batch, rows with targets last. */
  #train(step: number): StepLosses {
    const { backend } = this.#trainer;
    const { targets, started } = this.#state;
    const indices = this.#batches.at(step);
    const arranged = targets
      ? arrange(indices, targets, this.#aimed, step, this.#options.plan)
      : undefined;
    return backend.scope(() => {
      const taken = backend.tensor(arranged?.indices ?? indices);
      const x = backend.take(this.#data, taken);
      const aligned = this.#aligned && backend.take(this.#aligned, taken);
      const levels = started ? this.#levelsAt(step) : 0;
      return this.#trainer.train(x, levels, arranged?.targets, aligned);
    });
  }

  /** Levels that take part in a step: all, or under level dropout sometimes fewer. */
  #levelsAt(step: number): number {
    const { plan } = this.#options;
    const levels = plan.bottleneck.sizes.length;
    if (plan.settings.levelDropout === 0) return levels;
    const random = new Random(plan.seed).stream("levels", step);
    return random.uniform() < plan.settings.levelDropout ? 1 + random.integer(levels) : levels;
  }

  /** Starts the codebooks by fitting the quantizer to the latents of all rows. */
  async #start(): Promise<void> {
    const { plan, fitQuantizer } = this.#options;
    const trainer = this.#trainer;
    if (plan.bottleneck.finite) {
      this.#state = { ...this.#state, started: true };
      return;
    }
    const latents = await allLatents(trainer, this.#data);
    const shape = { rows: this.#data.shape[0]!, cols: plan.latent };
    const model = await fitQuantizer(plan.bottleneck.spec, { data: latents, ...shape });
    const state = await trainer.read();
    const parameters = state.parameters.slice();
    valuesOf(parameters, plan.layout, "codebooks").set(valuesOfModel(model, plan.bottleneck));
    trainer.write({ ...state, parameters });
    this.#state = { ...this.#state, started: true };
    if (plan.settings.codebooks !== "ema") return;
    // As if the average had long been running: else the first batch would move its codewords all the way.
    const { codes } = await passOver(trainer, this.#data);
    const usage = codes.flatMap((level, l) =>
      Array.from(
        countCodes(level, plan.bottleneck, l),
        (count) => (count * this.#batches.size) / shape.rows,
      ),
    );
    trainer.write({ ...state, parameters, usage: Float32Array.from(usage) });
  }

  /**
   * Looks at all rows: measures, revives, separates. Whether training should stop.
   *
   * @param since steps since the codebooks started
   * @param count reviews by now, this one included
   */
  async #review(since: number, count: number): Promise<boolean> {
    const { plan, onEvent } = this.#options;
    const { settings, seed } = plan;
    const trainer = this.#trainer;
    const { step } = trainer;
    const pass = await passOver(trainer, this.#data);
    const health = healthOf(pass, plan, this.#input.variance);
    const heldOut =
      this.#heldOut && healthOf(await passOver(trainer, this.#heldOut), plan, this.#input.variance);
    const late = since > REVIVE_UNTIL * settings.steps;
    const dead = health.levels.some((level) => level.dead > 0);
    const revived =
      dead && !late ? await this.#revive(pass, new Random(seed).stream("revive", step)) : 0;
    if (settings.separation > 0) {
      const codebooks = await trainer.readCodebooks();
      const targets = separateRows(codebooks, pass, plan, this.#state.targets);
      this.#state = { ...this.#state, targets };
      this.#aimed = rowsWithTargets(targets, plan);
    }
    this.#figures = figuresOf(health);
    onEvent?.({ kind: "review", step, revived, heldOut, ...health });
    if (count >= REVIEWS_BEFORE_COLLAPSE) this.#checkCollapse(health);
    return heldOut !== undefined && this.#keepBest(heldOut);
  }

  /** Replaces dead codewords; what the optimizer knows of the old ones is forgotten. */
  async #revive(pass: Pass, random: Random): Promise<number> {
    const { plan } = this.#options;
    if (plan.settings.codebooks === "projected" || plan.bottleneck.finite) return 0;
    const trainer = this.#trainer;
    const state = await trainer.read();
    const parameters = state.parameters.slice();
    const codebooks = valuesOf(parameters, plan.layout, "codebooks");
    const replaced = reviveCodewords(codebooks, pass, plan, random);
    if (replaced.length === 0) return 0;
    const width = plan.latent / plan.bottleneck.groups;
    const optimizer = state.optimizer.map((values) => values.slice());
    const usage = state.usage.slice();
    for (const codeword of replaced) {
      usage[codeword] = 1;
      for (const values of optimizer) {
        const at = plan.codebooks + codeword * width;
        values.fill(0, at, at + width);
      }
    }
    trainer.write({ ...state, parameters, optimizer, usage });
    return replaced.length;
  }

  #checkCollapse(health: Health): void {
    const { plan, onEvent } = this.#options;
    const { step } = this.#trainer;
    const collapse = findCollapse(health, plan, this.#input.scale, this.#data.shape[0]!);
    if (!collapse) return;
    onEvent?.({ kind: "collapse", step, ...collapse });
    if (plan.settings.onCollapse === "report") return;
    throw new TrainingError("collapsed", step, collapse.message, { hint: collapse.remedy });
  }

  /** Remembers the best state on held-out rows. Whether it has been long ago. */
  async #keepBest(heldOut: Health): Promise<boolean> {
    const { criterion, patience } = this.#options.plan.settings;
    const score = criterion === "distortion" ? heldOut.relativeDistortion : 1 - heldOut.distinct;
    const { best, waited } = this.#state;
    if (best && score >= best.score) {
      this.#state = { ...this.#state, waited: waited + 1 };
      return patience !== undefined && waited + 1 >= patience;
    }
    const { parameters } = await this.#trainer.read();
    this.#state = { ...this.#state, best: { score, parameters }, waited: 0 };
    return false;
  }

  #measure({ reconstruction, quantization }: StepLosses): void {
    if (!this.#options.onEvent && !this.#options.onProgress) return;
    const losses = Promise.all([
      reconstruction.read(),
      ...(quantization ? [quantization.read()] : []),
    ]);
    losses.catch(() => undefined);
    this.#pending.push({ step: this.#trainer.step, losses });
  }

  /** Waits for what was enqueued, and tells of the steps that were measured. */
  async #catchUp(total: number): Promise<void> {
    const { plan, onEvent, onProgress } = this.#options;
    const pending = this.#pending;
    this.#pending = [];
    for (const { step, losses } of pending) {
      const [errors, distances] = await losses;
      const sum = (values: Float32Array): number => values.reduce((all, value) => all + value, 0);
      const reconstruction = sum(errors!);
      const quantization = distances ? sum(distances) / errors!.length : 0;
      const learningRate = learningRateAt(step - 1, plan);
      onEvent?.({ kind: "step", step, reconstruction, quantization, learningRate });
      this.#figures = { ...this.#figures, loss: reconstruction };
    }
    await this.#trainer.backend.sync();
    await onProgress?.({ task: "train", done: this.#trainer.step, total, figures: this.#figures });
  }

  async #result(): Promise<Trained> {
    const { plan, onEvent } = this.#options;
    const trainer = this.#trainer;
    const { step } = trainer;
    if (this.#heldOut) {
      await this.#keepBest(
        healthOf(await passOver(trainer, this.#heldOut), plan, this.#input.variance),
      );
      trainer.write({ ...(await trainer.read()), parameters: this.#state.best!.parameters });
    }
    const health = healthOf(await passOver(trainer, this.#data), plan, this.#input.variance);
    onEvent?.({ kind: "review", step, revived: 0, heldOut: undefined, ...health });
    const [{ parameters }, codebooks] = await Promise.all([
      trainer.read(),
      trainer.readCodebooks(),
    ]);
    return { parameters, codebooks, standard: this.#input.standard, health, steps: step };
  }
}

function figuresOf({ relativeDistortion, distinct }: Health): Readonly<Record<string, number>> {
  return { relativeDistortion, distinct };
}
