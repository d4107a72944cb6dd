import { type BalanceOptions, NonFiniteError } from "@tessera/core";
import { referenceDistance } from "../assign.js";

export interface ReferenceBalanced {
  /** `[n, groups]` */
  readonly codes: Int32Array;
  /** `[groups, n, codebookSize]`: logarithms of the plan, but for what each row adds to all of its own. */
  readonly plan: Float64Array;
}

/**
 * Sinkhorn's iterations on the logarithms of the plan, group by group.
 *
 * @param x `[n, groups·dimension]`
 * @param codebooks `[groups, codebookSize, dimension]`
 * @throws {NonFiniteError} naming the first row with a distance that float32 does not hold
 */
export function referenceBalancedAssign(
  x: Float32Array,
  codebooks: Float32Array,
  shape: { readonly groups: number; readonly codebookSize: number; readonly dimension: number },
  { epsilon, iterations }: BalanceOptions,
): ReferenceBalanced {
  const { groups, codebookSize: size, dimension } = shape;
  const rows = x.length / (groups * dimension);
  const codes = new Int32Array(rows * groups);
  const plan = new Float64Array(groups * rows * size);
  const distanceAt = (row: number, group: number, code: number): number => {
    const from = (row * groups + group) * dimension;
    return referenceDistance(
      x,
      from,
      codebooks,
      (group * size + code) * dimension,
      dimension,
      "l2",
    );
  };
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < groups; group++) {
      for (let code = 0; code < size; code++) {
        const distance = distanceAt(row, group, code);
        if (!Number.isFinite(Math.fround(distance))) throw new NonFiniteError(row);
        plan[(group * rows + row) * size + code] = distance;
      }
    }
  }
  for (let group = 0; group < groups; group++) {
    const own = plan.subarray(group * rows * size, (group + 1) * rows * size);
    scale(own, epsilon);
    balance(own, rows, size, iterations);
    for (let row = 0; row < rows; row++) {
      const entries = own.subarray(row * size, (row + 1) * size);
      codes[row * groups + group] = entries.reduce(
        (best, value, code) => (value > entries[best]! ? code : best),
        0,
      );
    }
  }
  return { codes, plan };
}

/** Distances become scores within ±1 / epsilon. */
function scale(distances: Float64Array, epsilon: number): void {
  const least = distances.reduce((a, b) => Math.min(a, b), Infinity);
  const largest = distances.reduce((a, b) => Math.max(a, b), 0);
  const half = (largest - least) / 2;
  for (let i = 0; i < distances.length; i++) {
    distances[i] = half > 0 ? -(distances[i]! - least - half) / (half * epsilon) : 0;
  }
}

/** Scores become logarithms of a plan whose columns have equal sums; the rows' would follow. */
function balance(scores: Float64Array, rows: number, size: number, iterations: number): void {
  const columns = new Float64Array(size);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const added = Float64Array.from({ length: rows }, (_, row) =>
      minusLogSum(size, (code) => scores[row * size + code]! + columns[code]!),
    );
    for (let code = 0; code < size; code++) {
      columns[code] = minusLogSum(rows, (row) => scores[row * size + code]! + added[row]!);
    }
  }
  for (let i = 0; i < scores.length; i++) scores[i]! += columns[i % size]!;
}

/** −ln Σ e^term */
function minusLogSum(count: number, term: (index: number) => number): number {
  let most = -Infinity;
  for (let i = 0; i < count; i++) most = Math.max(most, term(i));
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.exp(term(i) - most);
  return -most - Math.log(sum);
}
