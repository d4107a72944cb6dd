import {
  ArgumentError,
  type Matrix,
  type Model,
  NonFiniteError,
  printSpec,
  Random,
  sizeOf,
  type Spec,
  type Tensor,
  throwIfAborted,
  type TrainingBackend,
} from "@tessera/core";
import { checkAlignment, unitRowsAt } from "./alignment.js";
import { arrange, rowsWithTargets } from "./arrange.js";
import { loadCheckpoint, type RunState, saveCheckpoint } from "./checkpoint.js";
import { findCollapse } from "./collapse.js";
import { TrainingError } from "./errors.js";
import type { RunFacts } from "./events.js";
import { type Health, healthOf } from "./health.js";
import { initialParameters } from "./initial.js";
import { startByPca } from "./pca-start.js";
import type { Plan } from "./plan.js";
import { type Pass, passOver } from "./review.js";
import { reviveDead } from "./revive.js";
import { separateRows } from "./separate.js";
import { openSource, type Source } from "./source.js";
import { startCodebooks } from "./start.js";
import type { Standard } from "./standardize.js";
import type { RowStream } from "./stream.js";
import { Telemetry, type TelemetryOptions } from "./telemetry.js";
import { distributionsFor, initialState, type StepLosses, Trainer } from "./trainer.js";

export interface TrainOptions extends TelemetryOptions {
  readonly backend: TrainingBackend;
  /** A second embedding of the rows, one for each in their order, to align latents with; the plan has its dimension. */
  readonly alignment?: Matrix | undefined;
  /** Fits the quantizer that the codebooks start from, on latents. */
  readonly fitQuantizer: (spec: Spec, latents: Matrix) => Promise<Model>;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes of a checkpoint every so many steps; the run waits for it. */
  readonly checkpoint?:
    | { readonly every: number; readonly save: (bytes: Uint8Array) => Promise<void> }
    | undefined;
  /** Called after each review with what gives the networks and codebooks as they stand; the run waits for it. */
  readonly onReview?: ((learned: () => Promise<Learned>) => unknown) | undefined;
  /** A checkpoint of the same run, to go on from. */
  readonly resume?: Uint8Array | undefined;
}

/** Networks and codebooks. */
export interface Learned {
  /** Laid out as the plan says. */
  readonly parameters: Float32Array;
  /** What latents are quantized by, `[Σk, latent]`. */
  readonly codebooks: Float32Array;
  readonly standard: Standard;
}

/** What training came to. */
export interface Trained extends Learned {
  /** Of all training rows, at the end; of a stream, of its sample. */
  readonly health: Health;
  /** Steps taken. */
  readonly steps: number;
}

/** Steps between two waits, each for the steps before the last: so many at least are in the queue at any time. */
const STEPS_AHEAD = 8;
/** Share of the steps with codebooks after which dead codewords are no longer replaced: late ones could not settle. */
const REVIVE_UNTIL = 0.8;
/** Reviews before codebooks that few rows use are called collapsed. */
const REVIEWS_BEFORE_COLLAPSE = 3;

/**
 * Trains an autoencoder with the codebooks of its latents: first alone, then with codebooks that start by k-means on the
 * latents of all rows. The same rows, plan and engine give the same model to the bit, also from a checkpoint. A sample of
 * `reviewRows` stands for the rows of a stream wherever all are looked at; those are not separated.
 *
 * @param rows `[n, dimension]`, finite; or more, to be read anew for every epoch
 * @throws {ArgumentError} if there are fewer rows to train on than a codebook has codewords, or a stream changes meanwhile,
 *   or is to be aligned
 * @throws {ShapeError} if the second embedding does not have one row for each
 * @throws {BackendError} if the backend lacks a kernel that a setting needs
 * @throws {NonFiniteError} naming the first row that is not finite
 * @throws {TrainingError} if training diverges, or codebooks collapse and the settings say so
 * @throws {FormatError} if the checkpoint is of another run
 * @throws {AbortedError} once `signal` fires
 */
export async function train(rows: Matrix | RowStream, options: TrainOptions): Promise<Trained> {
  const { alignment, plan, backend } = options;
  if (alignment) checkAlignment(alignment, rows);
  distributionsFor(plan, backend);
  const source = await openSource(rows, plan, options.signal);
  checkEnoughRows(source, plan);
  const run = new Run(source, options);
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
    await run.dispose();
  }
}

/** Codebooks start late; that they cannot start must not come out then. */
function checkEnoughRows({ trained, identity }: Source, plan: Plan): void {
  const most = plan.bottleneck.finite ? 1 : Math.max(...plan.bottleneck.sizes);
  if (trained.rows >= most) return;
  const rows = identity.streamed ? "reviewRows" : "rows to train on";
  throw new ArgumentError(`${most} codewords need as many ${rows}, not ${trained.rows}`, {
    hint: identity.streamed
      ? `set reviewRows to ${most} or more`
      : "choose a smaller codebook, or bring more rows",
  });
}

class Run {
  readonly #options: TrainOptions;
  readonly #source: Source;
  /** The rows that reviews look at. */
  readonly #data: Tensor<"float32">;
  readonly #heldOut: Tensor<"float32"> | undefined;
  /** Unit rows of the second embedding, for those trained on. */
  readonly #aligned: Tensor<"float32"> | undefined;
  readonly #trainer: Trainer;
  readonly #telemetry: Telemetry;
  #state: Pick<RunState, "started" | "targets" | "best" | "waited">;
  /** The step at the last wait, and when those before it have run. */
  #earlier: { readonly step: number; readonly done: Promise<void> } | undefined;
  /** Rows with targets. */
  #aimed: readonly number[];

  constructor(source: Source, options: TrainOptions) {
    const { plan, backend, resume, alignment } = options;
    this.#options = options;
    this.#source = source;
    this.#telemetry = new Telemetry(options);
    const state: RunState = resume
      ? loadCheckpoint(resume, { plan, rows: source.identity, alignment })
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
    const { trained, heldOut } = source;
    this.#data = backend.borrow(trained.data, [trained.rows, trained.cols]);
    const aligned = alignment && unitRowsAt(alignment, source.indices);
    this.#aligned = aligned && backend.borrow(aligned.data, [aligned.rows, aligned.cols]);
    this.#heldOut = heldOut && backend.tensor(heldOut.data, [heldOut.rows, heldOut.cols]);
    this.#trainer = new Trainer(backend, plan, state);
  }

  get step(): number {
    return this.#trainer.step;
  }

  async dispose(): Promise<void> {
    this.#trainer.dispose();
    this.#data.dispose();
    this.#heldOut?.dispose();
    this.#aligned?.dispose();
    await this.#source.batches.close?.();
  }

  async finish(): Promise<Trained> {
    const { plan, signal, checkpoint, resume, alignment } = this.#options;
    const { batches, identity } = this.#source;
    this.#telemetry.event({ kind: "start", ...factsOf(plan, this.#source) });
    if (resume) this.#telemetry.event({ kind: "resume", step: this.step });
    const { pretraining, steps } = plan.settings;
    // A pass over the rows should not take longer than the steps between two of them.
    const stepsOfPass = Math.floor(this.#data.shape[0]! / batches.size);
    const reviewEvery = Math.max(plan.settings.reviewEvery, stepsOfPass);
    const total = pretraining + steps;
    const trainer = this.#trainer;
    if (plan.settings.start === "pca" && trainer.step === 0) await this.#startByPca();
    while (trainer.step < total) {
      throwIfAborted(signal);
      const { step } = trainer;
      if (step >= pretraining && !this.#state.started) {
        await startCodebooks(trainer, this.#data, batches.size, this.#options.fitQuantizer);
        this.#state = { ...this.#state, started: true };
      }
      const since = step - pretraining;
      if (since > 0 && since % reviewEvery === 0) {
        await this.#catchUp(total);
        if (await this.#review(since, since / reviewEvery)) break;
      }
      const losses = await this.#train(step);
      this.#telemetry.measure(trainer.step, losses);
      for (const tensor of Object.values(losses)) (tensor as Tensor | undefined)?.dispose();
      if (trainer.step % STEPS_AHEAD === 0) await this.#keepAhead(total);
      if (checkpoint && trainer.step % checkpoint.every === 0) {
        await this.#catchUp(total);
        const state = { ...(await trainer.read()), ...this.#state };
        await checkpoint.save(saveCheckpoint(state, { plan, rows: identity, alignment }));
      }
    }
    await this.#catchUp(total);
    return this.#result();
  }

  async #startByPca(): Promise<void> {
    const { plan, backend, signal } = this.#options;
    const state = await this.#trainer.read();
    const parameters = state.parameters.slice();
    await startByPca(parameters, plan, this.#source.trained, { backend, signal });
    this.#trainer.write({ ...state, parameters });
  }

  /** One step on its batch, rows with targets last. */
  async #train(step: number): Promise<StepLosses> {
    const { backend } = this.#trainer;
    const { targets, started } = this.#state;
    const levels = started ? this.#levelsAt(step) : 0;
    const batch = await this.#source.batches.at(step);
    if ("rows" in batch) {
      const { data, rows, cols } = batch.rows;
      return backend.scope(() => this.#trainer.train(backend.tensor(data, [rows, cols]), levels));
    }
    const arranged = targets
      ? arrange(batch.places, targets, this.#aimed, step, this.#options.plan)
      : undefined;
    return backend.scope(() => {
      const taken = backend.tensor(arranged?.indices ?? batch.places);
      const x = backend.take(this.#data, taken);
      const aligned = this.#aligned && backend.take(this.#aligned, taken);
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

  /**
   * Looks at all rows: measures, revives, separates. Whether training should stop.
   *
   * @param since steps since the codebooks started
   * @param count reviews by now, this one included
   */
  async #review(since: number, count: number): Promise<boolean> {
    const { plan } = this.#options;
    const { settings, seed } = plan;
    const trainer = this.#trainer;
    const { step } = trainer;
    const pass = await passOver(trainer, this.#data);
    const health = this.#healthOf(pass);
    const heldOut = this.#heldOut && this.#healthOf(await passOver(trainer, this.#heldOut));
    const late = since > REVIVE_UNTIL * settings.steps;
    const dead = health.levels.some((level) => level.dead > 0);
    const revived =
      dead && !late ? await reviveDead(trainer, pass, new Random(seed).stream("revive", step)) : 0;
    // Few rows of a stream meet in its sample; the codes of the others are not known.
    if (settings.separation > 0 && !this.#source.identity.streamed) {
      const codebooks = await trainer.readCodebooks();
      const targets = separateRows(codebooks, pass, plan, this.#state.targets);
      this.#state = { ...this.#state, targets };
      this.#aimed = rowsWithTargets(targets, plan);
    }
    this.#telemetry.review({ kind: "review", step, revived, heldOut, ...health });
    if (count >= REVIEWS_BEFORE_COLLAPSE) this.#checkCollapse(health);
    await this.#options.onReview?.(() => this.#learned());
    return heldOut !== undefined && this.#keepBest(heldOut);
  }

  #healthOf(pass: Pass): Health {
    return healthOf(pass, this.#options.plan, this.#source.variance);
  }

  #checkCollapse(health: Health): void {
    const { plan } = this.#options;
    const { step } = this.#trainer;
    const collapse = findCollapse(health, plan, this.#source.scale, this.#data.shape[0]!);
    if (!collapse) return;
    this.#telemetry.event({ kind: "collapse", step, ...collapse });
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

  /** Waits for what was enqueued, and tells of it. */
  async #catchUp(total: number): Promise<void> {
    this.#earlier = undefined;
    await this.#trainer.backend.sync();
    await this.#tell(this.step, total);
  }

  /** Waits for what was enqueued at the last call, and tells of it. A device that runs dry waits for its caller. */
  async #keepAhead(total: number): Promise<void> {
    const earlier = this.#earlier;
    const done = this.#trainer.backend.sync();
    // Whoever waits for it hears of it.
    done.catch(() => undefined);
    this.#earlier = { step: this.step, done };
    await earlier?.done;
    if (earlier) await this.#tell(earlier.step, total);
  }

  /** Tells of the steps up to one that has run. */
  async #tell(step: number, total: number): Promise<void> {
    await this.#telemetry.catchUp(step);
    await this.#telemetry.progress(step, total);
  }

  async #result(): Promise<Trained> {
    const trainer = this.#trainer;
    const { step } = trainer;
    if (this.#heldOut) {
      await this.#keepBest(this.#healthOf(await passOver(trainer, this.#heldOut)));
      trainer.write({ ...(await trainer.read()), parameters: this.#state.best!.parameters });
    }
    const heldOut = this.#heldOut && this.#healthOf(await passOver(trainer, this.#heldOut));
    const health = this.#healthOf(await passOver(trainer, this.#data));
    this.#telemetry.review({ kind: "review", step, revived: 0, heldOut, ...health });
    return { ...(await this.#learned()), health, steps: step };
  }

  async #learned(): Promise<Learned> {
    const trainer = this.#trainer;
    const [{ parameters }, codebooks] = await Promise.all([
      trainer.read(),
      trainer.readCodebooks(),
    ]);
    return { parameters, codebooks, standard: this.#source.standard };
  }
}

function factsOf(plan: Plan, { identity, trained }: Source): RunFacts {
  const { widths, bottleneck, settings, dimension, layout } = plan;
  return {
    spec: `ae(${widths.join()})>${printSpec(bottleneck.spec)}`,
    settings,
    rows: identity.rows,
    dimension,
    streamed: identity.streamed,
    reviewed: trained.rows,
    parameters: layout.slots.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  };
}
