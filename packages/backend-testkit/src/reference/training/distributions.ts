import { type ContrastiveOptions, type GumbelNoise, philox } from "@tessera/core";
import type { ReferenceLosses } from "./losses.js";

/**
 * Standard Gumbel noise of the elements of a tensor: −ln(−ln u), u = (⌊w / 2⁹⌋ + ½) · 2⁻²³, where w is word i mod 4 of the
 * Philox block of the counter (⌊i / 4⌋, call, 0, 4) under the key (seed, 0).
 */
export function referenceGumbel(size: number, seed: number, call: number): Float64Array {
  const block = new Uint32Array(4);
  return Float64Array.from({ length: size }, (_, i) => {
    if (i % 4 === 0) philox(block, i / 4, call, 0, 4, seed, 0);
    const uniform = ((block[i % 4]! >>> 9) + 0.5) * 2 ** -23;
    return -Math.log(-Math.log(uniform));
  });
}

/** What logits are multiplied by: scale / unit, a unit below 2⁻⁶⁰ counting as that. */
export function referenceScale(scale: number, unit: Float32Array | undefined): number {
  if (!unit) return scale;
  return scale / (unit[0]! < 2 ** -60 ? 2 ** -60 : unit[0]!);
}

/**
 * The softmax of each row of scale · logits + noise.scale · G.
 *
 * @param logits `[n, columns]`
 */
export function referenceSoftmax(
  logits: Float32Array,
  columns: number,
  scale: number,
  noise: GumbelNoise | undefined,
): Float64Array {
  const gumbel = noise && referenceGumbel(logits.length, noise.seed, noise.call);
  const values = Float64Array.from(
    logits,
    (value, i) => scale * value + (noise && gumbel ? noise.scale * gumbel[i]! : 0),
  );
  for (let start = 0; start < values.length; start += columns) {
    softmaxInPlace(values.subarray(start, start + columns));
  }
  return values;
}

/**
 * scale · p ⊙ (g − p·g) of each row, g being its gradient and what all rows share.
 *
 * @param probabilities `[n, columns]`, p
 * @param gradient `[n, columns]`
 * @param shared `[columns]`
 */
export function referenceSoftmaxGradient(
  probabilities: Float32Array,
  gradient: Float32Array,
  columns: number,
  scale: number,
  shared: Float32Array | undefined,
): Float64Array {
  const result = Float64Array.from(gradient, (g, i) => g + (shared?.[i % columns] ?? 0));
  for (let start = 0; start < result.length; start += columns) {
    const g = result.subarray(start, start + columns);
    const p = probabilities.subarray(start, start + columns);
    const mean = g.reduce((sum, value, j) => sum + p[j]! * value, 0);
    g.forEach((value, j) => (g[j] = scale * p[j]! * (value - mean)));
  }
  return result;
}

/**
 * The entropy of each row and its gradient −(ln p + 1), both times the weight.
 *
 * @param probabilities `[n, columns]`, p
 */
export function referenceEntropy(
  probabilities: Float32Array,
  columns: number,
  weight: number,
): ReferenceLosses {
  const losses = new Float64Array(probabilities.length / columns);
  const gradient = Float64Array.from(probabilities, (p, i) => {
    const log = Math.log(p < 2 ** -126 ? 2 ** -126 : p);
    losses[Math.floor(i / columns)]! -= weight * p * log;
    return -weight * (log + 1);
  });
  return { losses, gradient };
}

/**
 * −ln p_ii of each row's softmax p of scale · similarities, and its gradient, both times the weight.
 *
 * @param similarities `[n, columns]`
 */
export function referenceContrastiveLoss(
  similarities: Float32Array,
  columns: number,
  { scale, weight }: ContrastiveOptions,
): ReferenceLosses {
  const rows = similarities.length / columns;
  const losses = new Float64Array(rows);
  const gradient = referenceSoftmax(similarities, columns, scale, undefined);
  for (let row = 0; row < rows; row++) {
    const own = row * columns + row;
    const scaled = Float64Array.from(
      similarities.subarray(row * columns, (row + 1) * columns),
      (value) => scale * value,
    );
    const largest = Math.max(...scaled);
    const sum = scaled.reduce((total, value) => total + Math.exp(value - largest), 0);
    losses[row] = weight * (Math.log(sum) + largest - scaled[row]!);
    gradient[own]! -= 1;
  }
  return { losses, gradient: gradient.map((value) => weight * scale * value) };
}

function softmaxInPlace(row: Float64Array): void {
  const largest = Math.max(...row);
  let sum = 0;
  row.forEach((value, j) => {
    row[j] = Math.exp(value - largest);
    sum += row[j]!;
  });
  row.forEach((value, j) => (row[j] = value / sum));
}
