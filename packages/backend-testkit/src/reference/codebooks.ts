import { CodeRangeError } from "@tessera/core";
import type { CodebookShape } from "./assign.js";
import { referenceTake } from "./dense.js";

/**
 * Codewords by code: `result[i, group] = codebooks[group, codes[i, group]]`.
 *
 * @param codebooks `[groups, codebookSize, dimension]`
 * @param codes `[n, groups]`
 * @returns `[n, groups·dimension]`
 * @throws {CodeRangeError} naming the first code outside 0..codebookSize−1
 */
export function referenceGather(
  codebooks: Float32Array,
  codes: Int32Array,
  shape: CodebookShape,
): Float32Array {
  const { groups, codebookSize, dimension } = shape;
  checkCodes(codes, groups, codebookSize);
  const result = new Float32Array(codes.length * dimension);
  for (let s = 0; s < codes.length; s++) {
    const codeword = (s % groups) * codebookSize + codes[s]!;
    for (let i = 0; i < dimension; i++) {
      result[s * dimension + i] = codebooks[codeword * dimension + i]!;
    }
  }
  return result;
}

/**
 * What the codes leave over: `result[i] = x[parents[i]] − gather(codebooks, codes)[i]`.
 *
 * @param x `[m, groups·dimension]`
 * @param codebooks `[groups, codebookSize, dimension]`
 * @param codes `[n, groups]`
 * @param parents `[n]`; row i belongs to row i without it
 * @returns `[n, groups·dimension]`
 * @throws {CodeRangeError} naming the first code outside 0..codebookSize−1
 * @throws {ArgumentError} naming the first parent outside 0..m−1
 */
export function referenceResidual(
  x: Float32Array,
  codebooks: Float32Array,
  codes: Int32Array,
  shape: CodebookShape,
  parents?: Int32Array,
): Float64Array {
  const rows = parents ? referenceTake(x, parents, shape.groups * shape.dimension) : x;
  const decoded = referenceGather(codebooks, codes, shape);
  return Float64Array.from(decoded, (value, i) => rows[i]! - value);
}

export interface ReferenceClusterSums {
  readonly sums: Float64Array;
  readonly counts: Float64Array;
}

/**
 * The sufficient statistics of k-means: `sums[g, j] = Σ wᵢ·x[i, g]` and `counts[g, j] = Σ wᵢ`, both over the rows i with
 * `codes[i, g] = j`.
 *
 * @param x `[n, groups·dimension]`
 * @param codes `[n, groups]`
 * @param weights `[n]`; 1 each without it
 * @returns sums `[groups, codebookSize, dimension]`, counts `[groups, codebookSize]`
 * @throws {CodeRangeError} naming the first code outside 0..codebookSize−1
 */
export function referenceClusterSums(
  x: Float32Array,
  codes: Int32Array,
  shape: CodebookShape,
  weights?: Float32Array,
): ReferenceClusterSums {
  const { groups, codebookSize, dimension } = shape;
  checkCodes(codes, groups, codebookSize);
  const sums = new Float64Array(groups * codebookSize * dimension);
  const counts = new Float64Array(groups * codebookSize);
  for (let s = 0; s < codes.length; s++) {
    const weight = weights ? weights[Math.floor(s / groups)]! : 1;
    const cluster = (s % groups) * codebookSize + codes[s]!;
    counts[cluster]! += weight;
    for (let i = 0; i < dimension; i++) {
      sums[cluster * dimension + i]! += weight * x[s * dimension + i]!;
    }
  }
  return { sums, counts };
}

function checkCodes(codes: Int32Array, groups: number, codebookSize: number): void {
  codes.forEach((code, s) => {
    if (code < 0 || code >= codebookSize) {
      throw new CodeRangeError(Math.floor(s / groups), s % groups, code, codebookSize);
    }
  });
}
