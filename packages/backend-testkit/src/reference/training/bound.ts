/**
 * `gradient · slope · (1 − tanh²(z + shift))`, column by column.
 *
 * @param z `[n, d]`, d the length of `shift`
 */
export function referenceBoundGradient(
  z: Float32Array,
  gradient: Float32Array,
  shift: Float32Array,
  slope: Float32Array,
): Float64Array {
  const dimension = shift.length;
  return Float64Array.from(gradient, (g, i) => {
    const column = i % dimension;
    const e = Math.exp(-2 * Math.abs(z[i]! + shift[column]!));
    return (g * slope[column]! * 4 * e) / (1 + e) ** 2;
  });
}
