import { NonFiniteError } from "@tessera/core";

/** Throws for the first vector whose squared norm is not a finite float32. `perRow` vectors make up one row. */
export function checkNorms(
  data: Float32Array,
  dimension: number,
  perRow: number,
  what: string,
): void {
  for (let v = 0; v * dimension < data.length; v++) {
    let squaredNorm = 0;
    for (let i = 0; i < dimension; i++) squaredNorm += data[v * dimension + i]! ** 2;
    if (!Number.isFinite(Math.fround(squaredNorm))) {
      throw new NonFiniteError(Math.floor(v / perRow), what);
    }
  }
}
