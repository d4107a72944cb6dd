import { throwIfAborted, type CompleteBackend, type Matrix, type Random, pause } from "@tessera/core";
import { drawByWeight } from "./draw.js";
import type { PlusPlusOptions } from "./plus-plus.js";

/** Columns that wide rows are projected to: squared distances then err by about √(2/64) = 18 %. */
const SKETCH_COLUMNS = 64;

/**
 * Greedy k-means++ (see {@link plusPlus}), every step of which passes over all rows.
 *
 * The distances to all candidates of a step are one matrix product, by ‖x − c‖² = ‖x‖² − 2x·c + ‖c‖². The rows are centred
 * and scaled first, which changes no choice but keeps that sum from losing its digits; where it does so all the same, next
 * to a chosen row, the distance is taken directly. So the D² of a chosen row's duplicates is 0, and as long as there are
 * rows that differ from all chosen ones, one of them is chosen.
 *
 * Wide rows are first projected at random to 64 columns, which keeps distances well enough to draw by them (Johnson and
 * Lindenstrauss 1984). On 3686 × 512 embeddings the start takes a quarter of the time and the codebooks are as good.
 *
 * @param given rows that are chosen already
 * @returns `count` rows, those given first; fewer if all rows coincide with chosen ones
 */
export async function greedyPlusPlus(
  rows: Matrix,
  count: number,
  options: PlusPlusOptions,
  given: readonly number[] = [],
): Promise<number[]> {
  const { backend, random, weights, signal } = options;
  const n = rows.rows;
  const centred = await sketch(backend, centreAndScale(rows), random.stream("projection"));
  const norms = squaredNorms(centred);
  const closest = new Float64Array(n).fill(1);
  const cumulative = new Float64Array(n);
  const chosen: number[] = [];
  const trials = 2 + Math.floor(Math.log(count));
  const x = backend.tensor(centred.data, [n, centred.cols]);
  try {
    for (let step = 0; step < count; step++) {
      throwIfAborted(signal);
      // Before anything is chosen every row is equally far, and one candidate as good as another.
      const candidates =
        step < given.length
          ? [given[step]!]
          : drawByWeight(weights, closest, cumulative, step === 0 ? 1 : trials, random);
      if (candidates.length === 0) break;
      const products = await productsWith(backend, x, centred, candidates);
      if (step === 0) closest.fill(Infinity);
      const best =
        candidates.length === 1 ? 0 : leastPotential(products, candidates, weights, closest, norms);
      chosen.push(candidates[best]!);
      lower(closest, products, candidates, best, norms, centred);
      if (step % 16 === 15) {
        options.onChosen?.(step + 1);
        await pause();
      }
    }
  } finally {
    x.dispose();
  }
  return chosen;
}

/** Inner products of all rows with the candidates, `[n, candidates]`. */
async function productsWith(
  backend: CompleteBackend,
  x: Parameters<CompleteBackend["matmul"]>[0],
  { data, cols }: Matrix,
  candidates: readonly number[],
): Promise<Float32Array> {
  const values = new Float32Array(candidates.length * cols);
  candidates.forEach((row, c) => values.set(data.subarray(row * cols, (row + 1) * cols), c * cols));
  const { read } = backend.scope(() => {
    const c = backend.tensor(values, [candidates.length, cols]);
    return { read: backend.matmul(x, c, { transposeB: true }).read() };
  });
  return read;
}

/** The candidate that would leave the least Σ w·D². */
function leastPotential(
  products: Float32Array,
  candidates: readonly number[],
  weights: ArrayLike<number>,
  closest: Float64Array,
  norms: Float64Array,
): number {
  const width = candidates.length;
  const potentials = new Float64Array(width);
  const candidateNorms = Float64Array.from(candidates, (row) => norms[row]!);
  for (let i = 0, at = 0; i < closest.length; i++) {
    const before = closest[i]!;
    const weight = weights[i]!;
    const rowNorm = norms[i]!;
    for (let c = 0; c < width; c++, at++) {
      const distance = rowNorm - 2 * products[at]! + candidateNorms[c]!;
      potentials[c]! += weight * (distance < before ? (distance > 0 ? distance : 0) : before);
    }
  }
  let best = 0;
  for (let c = 1; c < width; c++) if (potentials[c]! < potentials[best]!) best = c;
  return best;
}

/** Lowers D² to the distances from the chosen candidate where those are less. */
function lower(
  closest: Float64Array,
  products: Float32Array,
  candidates: readonly number[],
  chosen: number,
  norms: Float64Array,
  { data, cols }: Matrix,
): void {
  const width = candidates.length;
  const row = candidates[chosen]!;
  const codeword = data.subarray(row * cols, (row + 1) * cols);
  const codewordNorm = norms[row]!;
  // Well above the error of the expanded form in float32, (d + 2)·2⁻²⁴·(‖x‖² + ‖c‖²).
  const doubtful = 16 * (cols + 2) * 2 ** -24;
  for (let i = 0; i < closest.length; i++) {
    const before = closest[i]!;
    if (before === 0) continue;
    const scale = norms[i]! + codewordNorm;
    let distance = scale - 2 * products[i * width + chosen]!;
    if (distance <= doubtful * scale) {
      distance = 0;
      for (let j = 0; j < cols; j++) distance += (data[i * cols + j]! - codeword[j]!) ** 2;
    }
    if (distance < before) closest[i] = distance;
  }
}

/** A copy with mean 0 and values of at most about 1: squares neither overflow nor vanish, and distances keep their digits. */
function centreAndScale({ data, rows, cols }: Matrix): Matrix {
  const mean = new Float64Array(cols);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) mean[j]! += data[at++]!;
  }
  for (let j = 0; j < cols; j++) mean[j]! /= rows;
  let largest = 0;
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) largest = Math.max(largest, Math.abs(data[at++]! - mean[j]!));
  }
  const scale = largest > 0 ? 1 / largest : 1;
  const centred = new Float32Array(data.length);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++, at++) centred[at] = (data[at]! - mean[j]!) * scale;
  }
  return { data: centred, rows, cols };
}

/** The rows times a random Gaussian matrix if they are wide, else as they are. Equal rows stay equal. */
async function sketch(backend: CompleteBackend, rows: Matrix, random: Random): Promise<Matrix> {
  if (rows.cols < 2 * SKETCH_COLUMNS) return rows;
  const projection = new Float32Array(rows.cols * SKETCH_COLUMNS);
  const scale = 1 / Math.sqrt(SKETCH_COLUMNS);
  for (let i = 0; i < projection.length; i++) projection[i] = random.normal() * scale;
  const { read } = backend.scope(() => {
    const x = backend.tensor(rows.data, [rows.rows, rows.cols]);
    return {
      read: backend.matmul(x, backend.tensor(projection, [rows.cols, SKETCH_COLUMNS])).read(),
    };
  });
  return { data: await read, rows: rows.rows, cols: SKETCH_COLUMNS };
}

function squaredNorms({ data, rows, cols }: Matrix): Float64Array {
  const norms = new Float64Array(rows);
  for (let i = 0, at = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < cols; j++, at++) sum += data[at]! * data[at]!;
    norms[i] = sum;
  }
  return norms;
}
