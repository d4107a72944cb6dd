import type { Codes } from "@tessera/core";

/** Rows of a code matrix in lexicographic order: everything in this package is read off this. */
export interface SortedRows {
  /** Row numbers, sorted by their codes; equal rows keep their order. */
  readonly order: Uint32Array;
  /** The first column in which a sorted row differs from the one before; the column count if none; 0 for the first. */
  readonly firstDifference: Uint32Array;
}

/** Above this many values, a column is sorted in two passes, so that the counters stay in the processor's cache. */
const ONE_PASS_CARDINALITY = 2 ** 16;
const HALF_BITS = 12;

/** Sorts by a counting sort per column, last column first: O(rows · columns), and no keys are made. */
export function sortRows(codes: Codes): SortedRows {
  const { data, rows, columns, cardinalities } = codes;
  let order = new Uint32Array(rows);
  let spare = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) order[i] = i;

  /** One stable counting sort by `buckets` values of (code >> shift) & mask. */
  const pass = (column: number, shift: number, mask: number, buckets: number) => {
    const starts = new Uint32Array(buckets + 1);
    for (let at = column; at < data.length; at += columns) {
      starts[((data[at]! >>> shift) & mask) + 1]!++;
    }
    for (let b = 0; b < buckets; b++) starts[b + 1]! += starts[b]!;
    for (let i = 0; i < rows; i++) {
      const row = order[i]!;
      const bucket = (data[row * columns + column]! >>> shift) & mask;
      spare[starts[bucket]!++] = row;
    }
    [order, spare] = [spare, order];
  };

  for (let column = columns - 1; column >= 0; column--) {
    const cardinality = cardinalities[column]!;
    if (cardinality <= ONE_PASS_CARDINALITY) {
      if (cardinality > 1) pass(column, 0, -1, cardinality);
    } else {
      pass(column, 0, 2 ** HALF_BITS - 1, 2 ** HALF_BITS);
      pass(column, HALF_BITS, -1, 2 ** HALF_BITS);
    }
  }

  const firstDifference = new Uint32Array(rows);
  for (let i = 1; i < rows; i++) {
    const here = order[i]! * columns;
    const before = order[i - 1]! * columns;
    let column = 0;
    while (column < columns && data[here + column] === data[before + column]) column++;
    firstDifference[i] = column;
  }
  return { order, firstDifference };
}

/**
 * Where the groups of rows that share their first `length` codes begin in the sorted order, and the row count as last
 * entry: group g is `order[starts[g] .. starts[g + 1] − 1]`.
 */
export function groupStarts(sorted: SortedRows, length: number): Uint32Array {
  const { firstDifference } = sorted;
  const rows = firstDifference.length;
  let groups = 0;
  for (let i = 0; i < rows; i++) if (i === 0 || firstDifference[i]! < length) groups++;
  const starts = new Uint32Array(groups + 1);
  let at = 0;
  for (let i = 0; i < rows; i++) if (i === 0 || firstDifference[i]! < length) starts[at++] = i;
  starts[groups] = rows;
  return starts;
}
