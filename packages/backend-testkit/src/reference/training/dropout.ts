import { philox } from "@tessera/core";

/**
 * Element i is kept, and divided by 1 − rate, where word i mod 4 of the Philox block of the counter (⌊i / 4⌋, call, 0, 3)
 * under the key (seed, 0) is at least rate · 2³²; else it is 0.
 */
export function referenceDropout(
  x: Float32Array,
  rate: number,
  seed: number,
  call: number,
): Float64Array {
  const block = new Uint32Array(4);
  return Float64Array.from(x, (value, i) => {
    if (i % 4 === 0) philox(block, i / 4, call, 0, 3, seed, 0);
    return block[i % 4]! >= rate * 2 ** 32 ? value / (1 - rate) : 0;
  });
}
