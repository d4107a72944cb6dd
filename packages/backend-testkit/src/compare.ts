import { tieTolerance } from "@tessera/core";
import { referenceDistance, type CodebookShape, type Metric } from "./reference/assign.js";

export interface CompareOptions extends CodebookShape {
  /** Default: `l2`. */
  readonly metric?: Metric | undefined;
  /** How many codes each row has per group, nearest first, as from `assignTopK`. Default: 1. */
  readonly count?: number | undefined;
  /** The engine rounds subnormal numbers to zero, as many GPUs do, which widens the tolerance. Default: false. */
  readonly flushesSubnormals?: boolean | undefined;
}

/** A code that no rounding explains. */
export interface CodeMismatch {
  readonly row: number;
  readonly group: number;
  /** Place among the `count` codes, from 0. */
  readonly place: number;
  readonly expected: number;
  readonly got: number;
  /** How much further away the codeword is than the expected one, in float64. */
  readonly gap: number;
  /** How much further it might have been. */
  readonly tolerance: number;
}

export interface CodeComparison {
  readonly mismatches: readonly CodeMismatch[];
  /** Codes that differ from the float64 reference within the tolerance. */
  readonly nearTies: number;
}

/**
 * Holds codes against the float64 distances.
 *
 * A code may differ from the reference only if its distance exceeds that of every better codeword by no more than
 * `tieTolerance`; among codewords of identical values it must be the lowest index. For `count` > 1 the same holds at
 * each place against all codewords that are not at an earlier place, which covers both choice and order.
 *
 * @param x `[n, groups·dimension]`
 * @param codebooks `[groups, codebookSize, dimension]`
 * @param codes `[n, groups, count]`
 */
export function compareCodes(
  x: Float32Array,
  codebooks: Float32Array,
  codes: ArrayLike<number>,
  options: CompareOptions,
): CodeComparison {
  const { groups, codebookSize, dimension, metric = "l2", count = 1 } = options;
  const codewordNorms = norms(codebooks, dimension);
  const rowNorms = norms(x, dimension);
  const distances = new Float64Array(codebookSize);
  /** 1 where a codeword is at an earlier place. */
  const taken = new Uint8Array(codebookSize);
  const mismatches: CodeMismatch[] = [];
  let nearTies = 0;

  for (let s = 0; s < rowNorms.length; s++) {
    const base = (s % groups) * codebookSize;
    for (let j = 0; j < codebookSize; j++) {
      const cStart = (base + j) * dimension;
      distances[j] = referenceDistance(x, s * dimension, codebooks, cStart, dimension, metric);
    }
    taken.fill(0);
    for (let place = 0; place < count; place++) {
      const got = codes[s * count + place]!;
      const mismatch = (expected: number, gap: number, tolerance: number): void => {
        const row = Math.floor(s / groups);
        mismatches.push({ row, group: s % groups, place, expected, got, gap, tolerance });
      };
      const best = nearest(distances, taken);
      const valid = got >= 0 && got < codebookSize && Number.isInteger(got) && !taken[got];
      if (!valid) {
        mismatch(best, Infinity, 0);
        continue;
      }
      taken[got] = 1;
      if (got === best) continue;
      let worst: { expected: number; gap: number; tolerance: number } | undefined;
      for (let j = 0; j < codebookSize; j++) {
        const gap = distances[got]! - distances[j]!;
        if (gap < 0 || taken[j] || (worst && gap <= worst.gap)) continue;
        const norm = Math.max(codewordNorms[base + j]!, codewordNorms[base + got]!);
        const duplicate = j < got && sameCodeword(codebooks, base + j, base + got, dimension);
        const tolerance = duplicate ? 0 : toleranceOf(options, rowNorms[s]!, norm);
        if (gap > tolerance || duplicate) worst = { expected: j, gap, tolerance };
      }
      if (worst) mismatch(worst.expected, worst.gap, worst.tolerance);
      else nearTies++;
    }
  }
  return { mismatches, nearTies };
}

function toleranceOf(options: CompareOptions, rowNorm: number, codewordNorm: number): number {
  const { dimension, flushesSubnormals } = options;
  const flushed = flushesSubnormals ? 4 * (dimension + 2) * 2 ** -126 : 0;
  return tieTolerance(dimension, rowNorm, codewordNorm) + flushed;
}

/** The lowest index of the smallest distance among those not taken. */
function nearest(distances: Float64Array, taken: Uint8Array): number {
  let best = -1;
  for (let j = 0; j < distances.length; j++) {
    if (!taken[j] && (best < 0 || distances[j]! < distances[best]!)) best = j;
  }
  return best;
}

function norms(data: Float32Array, dimension: number): Float64Array {
  return new Float64Array(data.length / dimension).map((_, v) => {
    let squared = 0;
    for (let i = v * dimension; i < (v + 1) * dimension; i++) squared += data[i]! ** 2;
    return Math.sqrt(squared);
  });
}

function sameCodeword(books: Float32Array, a: number, b: number, dimension: number): boolean {
  for (let i = 0; i < dimension; i++) {
    if (books[a * dimension + i] !== books[b * dimension + i]) return false;
  }
  return true;
}
