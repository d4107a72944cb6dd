/** Tessera's RQ-VAE trainer: single steps, and a whole training. peers/torch_rqvae.py does the same steps. */
import {
  type Codes,
  type CompleteBackend,
  type Matrix,
  parseSpec,
  sizeOf,
  trainingBackend,
  type TrainingBackend,
} from "@tessera/core";
import { createAutoencoderQuantizers } from "@tessera/rqvae";
import { analyseCodes } from "@tessera/semantic-ids";
import { initialState, makePlan, type Plan, Trainer, valuesOf } from "@tessera/rqvae/steps";
import type { CodeFacts, Task } from "../protocol.js";
import { job, type Job, numberOf, readMatrix } from "./serve.js";

/** Odd, so that its multiples pass all rows of a number that it does not divide. */
const STRIDE = 7919;
/** Steps between two waits. */
const STEPS_AHEAD = 8;

/** Times steps; the result is what a model of its own reconstructs after the steps that are judged. */
export async function rqvaeSteps(complete: CompleteBackend, task: Task): Promise<Job> {
  const rows = await readMatrix(task.rows);
  const batch = numberOf(task, "batch");
  const plan = planOf(rows.cols, batch);
  const backend = trainingBackend(complete);
  const loop = new Loop(backend, plan, rows);
  return job({
    run: () => loop.train(numberOf(task, "steps")),
    result: async () => {
      const judged = new Loop(backend, plan, rows);
      await judged.train(numberOf(task, "judgedSteps"));
      return { data: await judged.reconstruct(), shape: [rows.rows, rows.cols] };
    },
  });
}

function planOf(dimension: number, batchSize: number): Plan {
  return makePlan({
    dimension,
    widths: [512, 256, 128, 32],
    quantizer: parseSpec("rq3x256"),
    settings: {
      batchSize,
      standardize: "none",
      commitment: 0.25,
      pretraining: 0,
      separation: 0,
      schedule: "constant",
    },
  });
}

/** Steps on batches in a given order. */
class Loop {
  readonly #backend: TrainingBackend;
  readonly #trainer: Trainer;
  readonly #rows: Matrix;
  readonly #data;
  readonly #batch: number;

  constructor(backend: TrainingBackend, plan: Plan, rows: Matrix) {
    this.#backend = backend;
    this.#rows = rows;
    this.#batch = plan.settings.batchSize;
    this.#data = backend.borrow(rows.data, [rows.rows, rows.cols]);
    this.#trainer = new Trainer(backend, plan, initialState(plan, givenParameters(plan)));
  }

  async train(steps: number): Promise<void> {
    const backend = this.#backend;
    const levels = this.#trainer.plan.bottleneck.sizes.length;
    let earlier: Promise<void> | undefined;
    for (let i = 0; i < steps; i++) {
      backend.scope(() => {
        const x = backend.take(this.#data, backend.tensor(this.#indices(this.#trainer.step)));
        this.#trainer.train(x, levels);
      });
      if (i % STEPS_AHEAD > 0) continue;
      // As the trainer does: for the steps before the last wait, so that the queue does not run dry.
      const enqueued = backend.sync();
      await earlier;
      earlier = enqueued;
    }
    await backend.sync();
  }

  async reconstruct(): Promise<Float32Array> {
    const trainer = this.#trainer;
    const y = this.#backend.scope(() =>
      trainer.decode(trainer.quantize(trainer.encode(this.#data)).output),
    );
    return y.read();
  }

  #indices(step: number): Int32Array {
    const first = step * this.#batch;
    return Int32Array.from(
      { length: this.#batch },
      (_, i) => ((first + i) * STRIDE) % this.#rows.rows,
    );
  }
}

/** Weights and biases uniform in ±1/√inputs, codewords in ±0.1; by a formula that another language can follow. */
function givenParameters({ layout }: Plan): Float32Array {
  const values = new Float32Array(layout.size);
  const names = ["encoder", "decoder"].flatMap((network) =>
    [0, 1, 2, 3].flatMap((layer) => [`${network}.${layer}.weight`, `${network}.${layer}.bias`]),
  );
  [...names, "codebooks"].forEach((name, tensor) => {
    const weight = layout.slots.find((slot) => slot.name === name.replace("bias", "weight"));
    const bound = name === "codebooks" ? 0.1 : 1 / Math.sqrt(weight!.shape[1]!);
    const part = valuesOf(values, layout, name);
    const { shape } = layout.slots.find((slot) => slot.name === name)!;
    for (let i = 0; i < sizeOf(shape); i++) part[i] = bound * (2 * uniform(i, tensor) - 1);
  });
  return values;
}

/** A number from 0 to below 1 for each place of a tensor: a hash. */
function uniform(place: number, tensor: number): number {
  let x = (Math.imul(place, 0x9e3779b1) + Math.imul(tensor, 0x85ebca77)) >>> 0;
  x = Math.imul(x ^ (x >>> 15), 0x85ebca77);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae3d);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}

/** Times a whole training with the defaults. */
export async function rqvaeTraining(backend: CompleteBackend, task: Task): Promise<Job> {
  const rows = await readMatrix(task.rows);
  const { steps } = task.parameters;
  const shortened =
    typeof steps === "number" ? { steps, pretraining: steps, onCollapse: "report" as const } : {};
  return job({
    run: () =>
      createAutoencoderQuantizers(shortened).fit("rqvae3x256", rows, {
        backend,
        seed: numberOf(task, "seed"),
      }),
    result: async (model) => {
      const codes = await model.encode(rows, { backend });
      const { data } = await model.decode(codes, { backend });
      return { data, shape: [rows.rows, rows.cols], codes: factsOf(codes) };
    },
  });
}

/** How the codes of all rows stand. */
export function factsOf(codes: Codes): CodeFacts {
  const { rows, distinct, levels } = analyseCodes(codes);
  return {
    distinct: distinct / rows,
    leastUsage: Math.min(...levels.map(({ usedCodes, cardinality }) => usedCodes / cardinality)),
  };
}
