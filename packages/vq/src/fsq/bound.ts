import { portableLog } from "@tessera/core";

/** How far beyond its outermost values the bound reaches, as a share; of the paper's code. */
const EPSILON = 1e-3;

/**
 * Where the bound of finite scalar quantization passes from one of L values to the next: the code of z is the number of
 * these that it exceeds.
 *
 * The code is round(tanh(z + shift)·h − offset) + ⌊L/2⌋ with h = (L − 1)(1 + ε)/2, offset ½ for an even L and 0 for an odd
 * one, and shift = atanh(offset/h) (Mentzer et al. 2023, "Finite scalar quantization", appendix A.1, as
 * vector-quantize-pytorch computes it). So it passes on at atanh(u/h) − shift for u = −(L − 2)/2, …, (L − 2)/2 in steps of 1.
 *
 * @param levels L, 2 or more
 * @param shifted as above. Without it, as under a centre of one's own, the steps are symmetric about 0. Those of two
 *   values always are: the shift would put the step between them at −3.8.
 */
export function boundSteps(levels: number, shifted: boolean): number[] {
  const half = boundHalf(levels);
  const shift = shifted ? boundShift(levels) : 0;
  return Array.from({ length: levels - 1 }, (_, k) => atanh((k - (levels - 2) / 2) / half) - shift);
}

/** h: how far the bound reaches to either side, in steps from one value to the next. */
export function boundHalf(levels: number): number {
  return ((levels - 1) * (1 + EPSILON)) / 2;
}

/** What is added to a value before the tanh, so that as many values lie on either side of 0 as can. */
export function boundShift(levels: number): number {
  return levels % 2 === 0 && levels > 2 ? atanh(0.5 / boundHalf(levels)) : 0;
}

/** What the codes of L bounded values stand for: (code − ⌊L/2⌋) / ⌊L/2⌋, within −1..1; of two values, −1 and 1. */
export function boundedValues(levels: number): number[] {
  const half = Math.floor(levels / 2);
  return levels === 2 ? [-1, 1] : Array.from({ length: levels }, (_, code) => (code - half) / half);
}

/**
 * The scale of the bound, in standard deviations of the values: the error of normal values is within 1 % of the least that
 * any scale gives, as integrating numerically over 2 to 256 levels shows.
 */
export function boundScale(levels: number): number {
  return Math.min(2, 1 + levels / 22);
}

/** The same bits on every engine. */
function atanh(x: number): number {
  return portableLog((1 + x) / (1 - x)) / 2;
}
