import type { Result } from "../engine/protocol.js";

/** How a column's codes are used. */
export interface ColumnUsage {
  readonly size: number;
  readonly used: number;
  /** e to the entropy of the codes. */
  readonly perplexity: number;
  /** Rows of each code, most first. */
  readonly counts: Uint32Array;
}

export function usageOf({ codes, rows, cardinalities }: Result): ColumnUsage[] {
  const columns = cardinalities.length;
  return cardinalities.map((size, column) => {
    const counts = new Uint32Array(size);
    for (let row = 0; row < rows; row++) counts[codes[row * columns + column]!]! += 1;
    let entropy = 0;
    for (const count of counts) if (count > 0) entropy -= (count / rows) * Math.log(count / rows);
    return {
      size,
      used: counts.reduce((sum, count) => sum + Number(count > 0), 0),
      perplexity: Math.exp(entropy),
      counts: counts.sort((a, b) => b - a),
    };
  });
}

/** Different rows of codes. */
export function distinctCodes({ codes, rows, cardinalities }: Result): number {
  const columns = cardinalities.length;
  const seen = new Set<string>();
  for (let row = 0; row < rows; row++)
    seen.add(codes.subarray(row * columns, (row + 1) * columns).join());
  return seen.size;
}
