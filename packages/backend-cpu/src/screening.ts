import type { BookShape } from "./arguments.js";
import { grainOf, type Layout } from "./grain.js";

/** Words of a codeword before its whole numbers: `SCREEN_FIELDS` of screen.h. */
const FIELDS = 7;
/** `SCREEN_ROWS`, the codewords that `SCREEN_PANELS` hold, and `MOST_LEFT` of screen_rows.h. */
const ROWS_AT_ONCE = 48;
const CODEWORDS_AT_ONCE = 1024;
const MOST_LEFT = 64;
/** Bytes of a whole number at most, and of the widest vector. */
const WHOLE = 2;
const VECTOR = 64;

/**
 * Whether `assign` should rule codewords out by whole numbers first.
 *
 * In vector operations a row, with `lanes` floats to a vector: the product takes k·d/lanes, that of whole numbers
 * 1/dot of it, and its bounds 8·k/lanes more. To round a row, collect the codewords left and compare them takes 8·d/lanes
 * and about 100 more; to round the codewords, 40 rows' worth. Measured on a Zen 5, one thread, normal data, screening
 * gains (ratio of times)
 *
 *     d            16    32    64   128   512
 *     avx512vnni, k = 64, 256, 1024
 *     wasm
 */
export function worthScreening(
  { dot }: Layout,
  rows: number,
  { codewords, dimension }: BookShape,
): boolean {
  if (dot === 0 || rows < 512 || dimension > 2 ** 15) return false;
  return dimension >= 64 / dot && codewords >= 64 && codewords * dimension >= 8192 / dot;
}

/** Rows of a block: whole sets of those that are screened together. `operations` are those of a row without screening. */
export function screenedGrain(operations: number): number {
  return grainOf(operations / 4, ROWS_AT_ONCE);
}

/** Bytes that a panel takes for screening. */
export function screenedBytes({ panel, dot }: Layout, dimension: number): number {
  return 4 * panel * (FIELDS + Math.ceil(dimension / dot));
}

/** Bytes of scratch for packing a panel. */
export function packScratch(dimension: number): number {
  return (4 + WHOLE) * dimension + 2 * VECTOR;
}

/** Bytes of scratch for screening rows. */
export function screenScratch(dimension: number): number {
  const perRow = 16 + 8 * MOST_LEFT + VECTOR + 4 * CODEWORDS_AT_ONCE + 2 * (dimension + 4);
  return ROWS_AT_ONCE * perRow + packScratch(dimension);
}
