import { type Codes, joinCodes } from "./codes.js";
import { ShapeError } from "./errors.js";
import { addTerms, type EncodeOptions, type Model, withRowOffset } from "./model.js";
import { batchesOf, type Matrix, type Rows, sliceRows } from "./rows.js";

/** How well a model's codes stand for rows. */
export interface Evaluation {
  readonly rows: number;
  /** Mean over rows of the squared L2 error. */
  readonly distortion: number;
  /** The same for each of the model's prefixes, from coarse to fine. */
  readonly distortionPerLevel: readonly number[];
  /** Distortion without any code: mean over rows of the squared L2 distance to their mean. */
  readonly totalVariance: number;
  /** `distortion / totalVariance`; 0 is lossless, 1 no better than the mean. */
  readonly relativeDistortion: number;
  /** The rows' codes. */
  readonly codes: Codes;
}

/** Encodes rows, decodes each prefix of the codes, and measures what was lost. Sums are in float64. */
export async function evaluate(
  model: Model,
  rows: Rows,
  options: EncodeOptions = {},
): Promise<Evaluation> {
  const errors = new Float64Array(model.prefixes.length);
  const variance = new VarianceSum(model.dimension);
  const collected: Codes[] = [];
  let count = 0;
  for await (const batch of batchesOf(rows, 16_384, options.signal)) {
    const codes = await withRowOffset(count, () =>
      model.encode(batch, { ...options, onProgress: undefined }),
    );
    variance.add(batch);
    for await (const [level, decoded] of decodePrefixes(model, codes, options)) {
      errors[level] = errors[level]! + squaredError(batch, decoded);
    }
    collected.push(codes);
    count += batch.rows;
    await options.onProgress?.({
      task: "evaluate",
      done: count,
      total: (rows as { rows?: number }).rows,
    });
  }
  if (count === 0) throw new ShapeError("there are no rows to evaluate");
  const distortionPerLevel = [...errors].map((sum) => sum / count);
  const distortion = distortionPerLevel.at(-1)!;
  const totalVariance = variance.mean();
  return {
    rows: count,
    distortion,
    distortionPerLevel,
    totalVariance,
    relativeDistortion:
      totalVariance === 0 ? (distortion === 0 ? 0 : Infinity) : distortion / totalVariance,
    codes: joinCodes(collected),
  };
}

/** What each prefix of the codes decodes to. A sum of terms grows in place, so a result is valid until the next. */
async function* decodePrefixes(
  model: Model,
  codes: Codes,
  { backend, signal }: EncodeOptions,
): AsyncGenerator<readonly [number, Matrix], void, undefined> {
  const { terms, prefixes, dimension } = model;
  if (terms === undefined) {
    for (const [level, columns] of prefixes.entries()) {
      yield [level, await model.decode(codes.prefix(columns), { backend, signal })];
    }
    return;
  }
  const decoded = {
    data: new Float32Array(codes.rows * dimension),
    rows: codes.rows,
    cols: dimension,
  };
  let done = 0;
  for (const [level, columns] of prefixes.entries()) {
    addTerms(
      decoded,
      terms.filter(({ column }) => column >= done && column < columns),
      codes,
    );
    done = columns;
    yield [level, decoded];
  }
}

/** Mean over rows of the squared L2 difference of two matrices of one shape. */
export function distortion(a: Matrix, b: Matrix): number {
  if (a.rows !== b.rows || a.cols !== b.cols) {
    throw new ShapeError(`cannot compare [${a.rows}, ${a.cols}] with [${b.rows}, ${b.cols}]`);
  }
  if (a.rows === 0) throw new ShapeError("there are no rows to compare");
  return squaredError(a, b) / a.rows;
}

function squaredError(a: Matrix, b: Matrix): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    const difference = a.data[i]! - b.data[i]!;
    sum += difference * difference;
  }
  return sum;
}

/** Running sum of squared distances to the mean, shifted by the first row so that a large offset does not cancel. */
class VarianceSum {
  readonly #shift: Float64Array;
  readonly #sum: Float64Array;
  #squares = 0;
  #rows = 0;

  constructor(cols: number) {
    this.#shift = new Float64Array(cols);
    this.#sum = new Float64Array(cols);
  }

  add(batch: Matrix): void {
    if (this.#rows === 0 && batch.rows > 0) this.#shift.set(sliceRows(batch, 0, 1).data);
    for (let i = 0; i < batch.rows; i++) {
      for (let j = 0; j < batch.cols; j++) {
        const value = batch.data[i * batch.cols + j]! - this.#shift[j]!;
        this.#sum[j] = this.#sum[j]! + value;
        this.#squares += value * value;
      }
    }
    this.#rows += batch.rows;
  }

  mean(): number {
    let ofMean = 0;
    for (const sum of this.#sum) ofMean += (sum / this.#rows) ** 2;
    return Math.max(0, this.#squares / this.#rows - ofMean);
  }
}
