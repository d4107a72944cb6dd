import { checkNorms } from "./norms.js";

/** The extents of grouped codebooks `[groups, codebookSize, dimension]`. */
export interface CodebookShape {
  readonly groups: number;
  readonly codebookSize: number;
  /** Dimension of one codeword; rows have `groups · dimension` values. */
  readonly dimension: number;
}

export type Metric = "l2" | "ip";

export interface ReferenceAssignment {
  readonly codes: Int32Array;
  readonly distances: Float64Array;
}

/**
 * The distance in float64: Σ (xᵢ − cᵢ)² under `l2`, −Σ xᵢcᵢ under `ip`.
 *
 * The vectors are the `dimension` values of `x` from `xStart` and of `c` from `cStart`.
 */
export function referenceDistance(
  x: Float32Array | Float64Array,
  xStart: number,
  c: Float32Array,
  cStart: number,
  dimension: number,
  metric: Metric,
): number {
  let sum = 0;
  for (let i = 0; i < dimension; i++) {
    const xi = x[xStart + i]!;
    const ci = c[cStart + i]!;
    sum += metric === "l2" ? (xi - ci) * (xi - ci) : -xi * ci;
  }
  return sum;
}

/**
 * The nearest codeword of each row in each group: `argmin over j of distance(x[i, group], codebooks[group, j])`, the
 * lowest j on ties.
 *
 * @param x `[n, groups·dimension]`
 * @param codebooks `[groups, codebookSize, dimension]`
 * @returns codes and distances, both `[n, groups]`
 * @throws {NonFiniteError} naming the first row (or codeword) that is not finite or whose squared norm overflows float32
 */
export function referenceAssign(
  x: Float32Array,
  codebooks: Float32Array,
  shape: CodebookShape,
  metric: Metric = "l2",
): ReferenceAssignment {
  return referenceAssignTopK(x, codebooks, shape, 1, metric);
}

/**
 * The `count` nearest codewords of each row in each group, ordered by (distance, index).
 *
 * @param x `[n, groups·dimension]`
 * @param codebooks `[groups, codebookSize, dimension]`
 * @returns codes and distances, both `[n, groups, count]`
 * @throws {NonFiniteError} naming the first row (or codeword) that is not finite or whose squared norm overflows float32
 */
export function referenceAssignTopK(
  x: Float32Array,
  codebooks: Float32Array,
  shape: CodebookShape,
  count: number,
  metric: Metric = "l2",
): ReferenceAssignment {
  const { groups, codebookSize, dimension } = shape;
  checkNorms(codebooks, dimension, 1, "codebook");
  checkNorms(x, dimension, groups, "input");

  const slices = x.length / dimension; // n·groups, row-major: slice s is group s % groups of row ⌊s / groups⌋.
  const codes = new Int32Array(slices * count);
  const distances = new Float64Array(slices * count);
  for (let s = 0; s < slices; s++) {
    const firstCodeword = (s % groups) * codebookSize;
    const start = s * count;
    for (let j = 0; j < codebookSize; j++) {
      const cStart = (firstCodeword + j) * dimension;
      const distance = referenceDistance(x, s * dimension, codebooks, cStart, dimension, metric);
      // Insert into the sorted list of the best so far. Only a strictly smaller distance moves ahead, so among equal
      // distances the lowest index stays first.
      let place = Math.min(j, count);
      while (place > 0 && distance < distances[start + place - 1]!) {
        if (place < count) {
          distances[start + place] = distances[start + place - 1]!;
          codes[start + place] = codes[start + place - 1]!;
        }
        place--;
      }
      if (place < count) {
        distances[start + place] = distance;
        codes[start + place] = j;
      }
    }
  }
  return { codes, distances };
}
