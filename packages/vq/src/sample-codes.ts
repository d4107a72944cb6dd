import { resolveBackend } from "@tessera/backend";
import {
  ArgumentError,
  batchesOf,
  checkDimension,
  Codes,
  codeArrayFor,
  type CompleteBackend,
  type ComputeBackend,
  type Matrix,
  philox,
  portableLog,
  Random,
  type Rows,
  type Tensor,
  throwIfAborted,
  withRowOffset,
  type WorkOptions,
} from "@tessera/core";
import { assignMetric, type VqModel } from "./model.js";
import { normalized } from "./normalize.js";

export interface SampleCodesOptions extends WorkOptions {
  /** T, from 0, in the unit of the distances. 0 takes the nearest codeword. Default 1. */
  readonly temperature?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
  /** What the first row counts as, for rows that come part by part. Default 0. */
  readonly firstRow?: number | undefined;
  /** Where to compute. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
}

/** Codewords whose distances a backend returns at once. */
const BLOCK_CODEWORDS = 256;
/** Distances that are read at once: 16 MiB. */
const BLOCK_VALUES = 2 ** 22;
/** Above all Gumbel noise of 32 bits: −ln(−ln(1 − 2⁻³³)) is 22.87. */
const MOST_NOISE = 23;

/**
 * Codes drawn at random, codeword k with a probability in proportion to exp(−‖x − c_k‖² / T): the logits are negative
 * **squared** L2 distances over the temperature. Under `ip` they are x·c_k / T, and under `cosine` the cosine over T. All
 * codewords take part, by Gumbel-max: the code is the argmax of logit plus Gumbel noise.
 *
 * The noise depends on the seed, the row's index and the codeword alone, so codes do not depend on how rows are batched.
 * As T goes to 0 the codes become those of `model.encode`, and are these at 0.
 *
 * @param rows `[n, d]`
 * @returns one column of codes, as `model.encode` gives
 * @throws {ArgumentError} for a temperature, seed or first row out of range
 * @throws {ShapeError} if the rows do not have the model's dimension
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function sampleCodes(
  model: VqModel,
  rows: Rows,
  options: SampleCodesOptions = {},
): Promise<Codes> {
  const { temperature = 1, seed = 0, firstRow = 0, signal, onProgress } = options;
  if (!(temperature >= 0 && temperature < Infinity)) {
    throw new ArgumentError(`temperature is ${temperature}; it must be a number from 0`);
  }
  if (!Number.isSafeInteger(firstRow) || firstRow < 0) {
    throw new ArgumentError(`firstRow is ${firstRow}; it must be an integer from 0`);
  }
  const noise = new GumbelNoise(new Random(seed).stream("codes"));
  if (temperature === 0) return model.encode(rows, options);
  throwIfAborted(signal);
  const backend = await resolveBackend(options.backend);
  const blocks = codewordBlocks(backend, model.codebook);
  const { dimension, spec } = model;
  const size = Math.floor(BLOCK_VALUES / Math.max(dimension, 2 * BLOCK_CODEWORDS)) || 1;
  const total = (rows as { readonly rows?: number }).rows;
  const parts: Uint32Array[] = [];
  let done = 0;
  try {
    for await (const batch of batchesOf(rows, size, signal)) {
      checkDimension(model, batch);
      const input = spec.metric === "cosine" ? normalized(batch) : batch;
      const draw = new Draw(batch.rows, firstRow + done, temperature, noise);
      await withRowOffset(done, () => drawBatch(backend, input, blocks, assignMetric(spec), draw));
      parts.push(draw.codes);
      done += batch.rows;
      await onProgress?.({ task: "sample codes", done, total });
      throwIfAborted(signal);
    }
  } finally {
    for (const { codewords } of blocks) codewords.dispose();
  }
  const joined = new (codeArrayFor(model.cardinalities))(done);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return new Codes(joined, model.cardinalities);
}

interface Block {
  /** `[1, k, d]` */
  readonly codewords: Tensor<"float32">;
  readonly first: number;
  readonly count: number;
}

function codewordBlocks(backend: CompleteBackend, { data, rows, cols }: Matrix): Block[] {
  const blocks: Block[] = [];
  for (let first = 0; first < rows; first += BLOCK_CODEWORDS) {
    const count = Math.min(BLOCK_CODEWORDS, rows - first);
    const part = data.subarray(first * cols, (first + count) * cols);
    blocks.push({ codewords: backend.tensor(part, [1, count, cols]), first, count });
  }
  return blocks;
}

async function drawBatch(
  backend: CompleteBackend,
  { data, rows, cols }: Matrix,
  blocks: readonly Block[],
  metric: "l2" | "ip",
  draw: Draw,
): Promise<void> {
  const x = backend.tensor(data, [rows, cols]);
  try {
    for (const { codewords, first, count } of blocks) {
      const found = backend.assignTopK(x, codewords, count, { metric });
      const reads = Promise.all([found.codes.read(), found.distances.read()]);
      found.codes.dispose();
      found.distances.dispose();
      const [codes, distances] = await reads;
      draw.offer(codes, distances, first, count);
    }
  } finally {
    x.dispose();
  }
}

/** The best codeword so far of each row of a batch: of the least distance − T · noise, so that no small T overflows. */
class Draw {
  readonly codes: Uint32Array;
  readonly #scores: Float64Array;
  readonly #firstRow: number;
  readonly #temperature: number;
  readonly #noise: GumbelNoise;

  constructor(rows: number, firstRow: number, temperature: number, noise: GumbelNoise) {
    this.codes = new Uint32Array(rows);
    this.#scores = new Float64Array(rows).fill(Infinity);
    this.#firstRow = firstRow;
    this.#temperature = temperature;
    this.#noise = noise;
  }

  /**
   * @param codes `[rows, count]`, nearest first, of the codewords from `first` on
   * @param distances of the same
   */
  offer(codes: Int32Array, distances: Float32Array, first: number, count: number): void {
    for (let i = 0; i < this.codes.length; i++) {
      for (let at = i * count; at < (i + 1) * count; at++) {
        const distance = distances[at]!;
        // Those further away cannot win either.
        if (distance - this.#temperature * MOST_NOISE > this.#scores[i]!) break;
        const code = first + codes[at]!;
        const score = distance - this.#temperature * this.#noise.at(this.#firstRow + i, code);
        if (score < this.#scores[i]! || (score === this.#scores[i] && code < this.codes[i]!)) {
          this.#scores[i] = score;
          this.codes[i] = code;
        }
      }
    }
  }
}

/** Standard Gumbel noise by row and codeword. */
class GumbelNoise {
  readonly #key0: number;
  readonly #key1: number;
  readonly #block = new Uint32Array(4);

  constructor(random: Random) {
    this.#key0 = random.uint32();
    this.#key1 = random.uint32();
  }

  at(row: number, code: number): number {
    const high = Math.floor(row / 2 ** 32);
    philox(this.#block, row >>> 0, high, code >>> 2, 0, this.#key0, this.#key1);
    const uniform = (this.#block[code & 3]! + 0.5) / 2 ** 32;
    return -portableLog(-portableLog(uniform));
  }
}
