import type { ReconstructionOptions } from "@tessera/core";

export interface ReferenceLosses {
  readonly losses: Float64Array;
  readonly gradient: Float64Array;
}

/**
 * The reconstruction loss of each row and its gradient with respect to the output, both times the weight.
 *
 * @param output `[n, dimension]`, y
 * @param target `[n, dimension]`, x
 * @returns losses `[n]`, gradient `[n, dimension]`
 */
export function referenceReconstructionLoss(
  output: Float32Array,
  target: Float32Array,
  rows: number,
  { kind, weight }: ReconstructionOptions,
): ReferenceLosses {
  const dimension = output.length / rows;
  const losses = new Float64Array(rows);
  const gradient = new Float64Array(output.length);
  for (let row = 0; row < rows; row++) {
    const y = output.subarray(row * dimension, (row + 1) * dimension);
    const x = target.subarray(row * dimension, (row + 1) * dimension);
    const place = gradient.subarray(row * dimension, (row + 1) * dimension);
    if (kind === "squared") {
      y.forEach((value, i) => {
        losses[row]! += weight * (value - x[i]!) ** 2;
        place[i] = 2 * weight * (value - x[i]!);
      });
      continue;
    }
    const length = lengthOf(y);
    const unit = Float64Array.from(y, (value) => value / length);
    const towards = kind === "cosine" ? lengthOf(x) : 1;
    // What the loss's gradient with respect to ŷ is, up to a multiple of ŷ, which the projection below removes.
    const factor = kind === "cosine" ? -1 : -2;
    let along = 0;
    unit.forEach((value, i) => {
      const wanted = x[i]! / towards;
      along += value * wanted;
      if (kind === "normalized") losses[row]! += weight * (value - wanted) ** 2;
    });
    if (kind === "cosine") losses[row] = weight * (1 - along);
    unit.forEach((value, i) => {
      place[i] = (weight * factor * (x[i]! / towards - along * value)) / length;
    });
  }
  return { losses, gradient };
}

/**
 * λRᵀg of the rotation trick: with unit vectors ẑ and q̂, s = ẑ + q̂ and r = s / ‖s‖,
 * `‖q‖/‖z‖ · (g − 2(r·g)r + 2(q̂·g)ẑ)`; g itself where z, q or s is shorter than 10⁻⁶.
 *
 * @param z `[n, dimension]`
 * @param quantized `[n, dimension]`
 * @param gradient `[n, dimension]`
 */
export function referenceRotateGradient(
  z: Float32Array,
  quantized: Float32Array,
  gradient: Float32Array,
  dimension: number,
): Float64Array {
  const result = Float64Array.from(gradient);
  for (let start = 0; start < z.length; start += dimension) {
    const end = start + dimension;
    const g = gradient.subarray(start, end);
    const zLength = Math.sqrt(dot(z.subarray(start, end), z.subarray(start, end)));
    const q = quantized.subarray(start, end);
    const qLength = Math.sqrt(dot(q, q));
    if (zLength < 1e-6 || qLength < 1e-6) continue;
    const zUnit = Float64Array.from(z.subarray(start, end), (value) => value / zLength);
    const qUnit = Float64Array.from(q, (value) => value / qLength);
    const sum = zUnit.map((value, i) => value + qUnit[i]!);
    const sumLength = Math.sqrt(dot(sum, sum));
    if (sumLength < 1e-6) continue;
    const r = sum.map((value) => value / sumLength);
    const alongR = dot(r, g);
    const alongQ = dot(qUnit, g);
    g.forEach((value, i) => {
      result[start + i] =
        (qLength / zLength) * (value - 2 * alongR * r[i]! + 2 * alongQ * zUnit[i]!);
    });
  }
  return result;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The length, or 1 for a row of zeros. */
function lengthOf(row: Float32Array): number {
  return Math.sqrt(dot(row, row)) || 1;
}
