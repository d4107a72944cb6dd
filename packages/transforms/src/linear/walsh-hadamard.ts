/**
 * Multiplies `size` values from `start` by Hadamard's matrix (in its natural order) over √size, in place: orthogonal,
 * symmetric and so its own inverse. Each pass adds and subtracts values at a distance twice that of the pass before
 * (Fino and Algazi 1976). Sums are rounded to float32 in the same order everywhere.
 *
 * @param size a power of two
 */
export function walshHadamard(values: Float32Array, start: number, size: number): void {
  const end = start + size;
  for (let half = 1; half < size; half *= 2) {
    for (let block = start; block < end; block += 2 * half) {
      for (let i = block, j = block + half; i < block + half; i++, j++) {
        const a = values[i]!;
        const b = values[j]!;
        values[i] = a + b;
        values[j] = a - b;
      }
    }
  }
  const scale = 1 / Math.sqrt(size);
  for (let i = start; i < end; i++) values[i]! *= scale;
}
