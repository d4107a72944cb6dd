import { referenceDistance } from "./assign.js";
import { checkNorms } from "./norms.js";

export interface ReferenceBeamCodes {
  /** `[levels, n]` */
  readonly codes: Int32Array;
  /** `[levels, n]`: the squared error after each level. */
  readonly distances: Float64Array;
  /**
   * `[n]`: how close the closest choice of a row's search was, as a difference of squared errors: between the last
   * extension kept and the first one dropped, or between the greedy candidate's best two. Equal errors do not count.
   */
  readonly margins: Float64Array;
}

interface Candidate {
  readonly codes: readonly number[];
  /** What the codes leave over of the row. */
  readonly left: Float64Array;
}

interface Extension {
  readonly candidate: number;
  readonly code: number;
  /** Squared error. */
  readonly error: number;
}

/**
 * Beam search over the levels of a residual quantizer: each level extends every candidate of a row by every codeword and
 * keeps the `beam` extensions with the least squared error, equals by candidate, then by code; the last level keeps one.
 * The candidate of greedy encoding takes the last place if the others leave it none.
 *
 * @param x `[n, dimension]`
 * @param codebooks of each level, `[k, dimension]`
 * @throws {NonFiniteError} naming the first codeword, or row, that is not finite or whose squared norm overflows float32
 */
export function referenceBeamSearch(
  x: Float32Array,
  codebooks: readonly Float32Array[],
  dimension: number,
  beam: number,
): ReferenceBeamCodes {
  for (const codebook of codebooks) checkNorms(codebook, dimension, 1, "codebook");
  checkNorms(x, dimension, 1, "input");

  const rows = x.length / dimension;
  const codes = new Int32Array(codebooks.length * rows);
  const distances = new Float64Array(codebooks.length * rows);
  const margins = new Float64Array(rows).fill(Infinity);
  for (let row = 0; row < rows; row++) {
    const values = x.subarray(row * dimension, (row + 1) * dimension);
    let candidates: Candidate[] = [{ codes: [], left: Float64Array.from(values) }];
    let greedy = 0;
    const note = (difference: number): void => {
      if (difference > 0 && difference < margins[row]!) margins[row] = difference;
    };
    codebooks.forEach((codebook, level) => {
      const extensions: Extension[] = [];
      candidates.forEach(({ left }, candidate) => {
        for (let code = 0; code < codebook.length / dimension; code++) {
          const error = referenceDistance(left, 0, codebook, code * dimension, dimension, "l2");
          extensions.push({ candidate, code, error });
        }
      });
      // Extensions are made in the order that breaks ties, and sorting keeps the order of equals.
      const best = extensions.toSorted((a, b) => a.error - b.error);
      const last = level + 1 === codebooks.length;
      const kept = best.slice(0, last ? 1 : beam);
      if (kept.length < best.length) note(best[kept.length]!.error - kept.at(-1)!.error);
      if (!last) {
        const [first, second] = best.filter(({ candidate }) => candidate === greedy);
        if (second) note(second.error - first!.error);
        if (!kept.includes(first!)) kept[kept.length - 1] = first!;
        greedy = kept.indexOf(first!);
      }
      candidates = kept.map(({ candidate, code }) => ({
        codes: [...candidates[candidate]!.codes, code],
        left: candidates[candidate]!.left.map(
          (value, i) => value - codebook[code * dimension + i]!,
        ),
      }));
    });

    const left = Float64Array.from(values);
    candidates[0]!.codes.forEach((code, level) => {
      const codebook = codebooks[level]!;
      for (let i = 0; i < dimension; i++) left[i]! -= codebook[code * dimension + i]!;
      codes[level * rows + row] = code;
      distances[level * rows + row] = left.reduce((sum, value) => sum + value * value, 0);
    });
  }
  return { codes, distances, margins };
}
