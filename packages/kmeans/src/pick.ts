/** The entries at these indices; all of them without indices. */
export function pick(
  values: Float32Array | undefined,
  indices: Float64Array | undefined,
): Float32Array | undefined {
  return values && indices ? Float32Array.from(indices, (index) => values[index]!) : values;
}
