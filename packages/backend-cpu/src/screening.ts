import type { BookShape } from "@tessera/core";
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
 * It saves (1 − 1/dot) of the k·d products of a row, and costs about 9·k + 12·d operations and a few hundred more
 * (`screen.h`), and for each codeword as much as some 400 rows save on it. So k·d must be large, and d not small.
 * Measured on one thread of a Zen 5, normal data: time without / time with screening
 *
 *     d                     16     32     64    128    512
 *     avx512vnni, k = 64   1.07   1.08   1.09   1.11   1.42
 *                k = 256   1.17   1.36   1.68   1.80   2.47
 *               k = 1024   1.45   1.87   2.40   2.70   3.28
 *     wasm,       k = 64   0.76   0.85   1.01   1.09   1.09
 *                k = 256   0.95   1.14   1.36   1.43   1.46
 *               k = 1024   1.28   1.28   1.46   1.57   1.64
 */
export function worthScreening(
  { dot, panel }: Layout,
  rows: number,
  { codewords, dimension }: BookShape,
): boolean {
  if (dot === 0 || rows < 512 || dimension > 2 ** 15) return false;
  // Where vectors are wide the small tile (`small.h`) is faster up to here, by up to 1.4.
  const least = panel >= 32 ? 8192 : 8192 / dot;
  return dimension >= 64 / dot && codewords >= 64 && codewords * dimension > least;
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
