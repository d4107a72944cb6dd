import type { Codes } from "@tessera/core";
import type { ReportData } from "./data.js";

/** How often each code of a level occurs, most frequent first; all `cardinality` of them. */
export function sortedUsage(codes: Codes, level: number): Uint32Array {
  const counts = new Uint32Array(codes.cardinalities[level]!);
  for (let at = level; at < codes.data.length; at += codes.columns) counts[codes.data[at]!]!++;
  return counts.sort().reverse();
}

/** The most frequent of the rows' values, and its share of them. */
export function majority(
  rows: ArrayLike<number>,
  values: readonly string[],
): { value: string; share: number } {
  const counts = new Map<string, number>();
  let value = "";
  let most = 0;
  for (let i = 0; i < rows.length; i++) {
    const own = values[rows[i]!]!;
    const count = (counts.get(own) ?? 0) + 1;
    counts.set(own, count);
    if (count > most) {
      most = count;
      value = own;
    }
  }
  return { value, share: rows.length === 0 ? 0 : most / rows.length };
}

/** Up to `count` of the rows, spread evenly. */
export function spread(rows: Uint32Array, count: number): number[] {
  const taken = Math.min(count, rows.length);
  return Array.from({ length: taken }, (_, i) => rows[Math.floor((i * rows.length) / taken)]!);
}

/** The codes of the first level in use, the most frequent first. */
export function firstCodes(data: ReportData): { code: number; rows: Uint32Array }[] {
  const { codes, itemStarts } = data.tree.nodes[0]!;
  return Array.from(codes, (code, node) => ({
    code,
    rows: data.tree.rows.subarray(itemStarts[node]!, itemStarts[node + 1]!),
  })).sort((a, b) => b.rows.length - a.rows.length || a.code - b.code);
}
