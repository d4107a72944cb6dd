import { type Matrix, sliceRows } from "@tessera/core";
import { expect } from "vitest";
import type { Metric, SearchResult } from "../src/index.js";

/** Row i, as a view. */
export function rowOf(rows: Matrix, i: number): Float32Array {
  return sliceRows(rows, i, i + 1).data;
}

/** Distances of one query to all rows, in float64. */
function distancesTo(rows: Matrix, query: ArrayLike<number>, metric: Metric): Float64Array {
  const { data, cols } = rows;
  return Float64Array.from({ length: rows.rows }, (_, i) => {
    let [square, product, own, other] = [0, 0, 0, 0];
    for (let j = 0; j < cols; j++) {
      const value = data[i * cols + j]!;
      square += (value - query[j]!) ** 2;
      product += value * query[j]!;
      own += value * value;
      other += query[j]! ** 2;
    }
    if (metric === "l2") return square;
    if (metric === "ip") return -product;
    return own * other === 0 ? 1 : 1 - product / Math.sqrt(own * other);
  });
}

/** What was found is what brute force over `decoded` finds, but for the order of nearly equal distances. */
export function expectNearest(
  found: SearchResult,
  decoded: Matrix,
  searched: Matrix,
  metric: Metric,
  live: (id: number) => boolean = () => true,
): void {
  const { k } = found;
  for (let q = 0; q < searched.rows; q++) {
    const all = distancesTo(decoded, rowOf(searched, q), metric);
    const order = [...all.keys()].filter(live).sort((a, b) => all[a]! - all[b]! || a - b);
    const scale = 1e-5 * (1 + Math.max(...all.map(Math.abs)));
    for (let place = 0; place < k; place++) {
      const id = found.ids[q * k + place]!;
      const distance = found.distances[q * k + place]!;
      if (place >= order.length) {
        expect([id, distance]).toEqual([-1, Infinity]);
        continue;
      }
      expect(live(id)).toBe(true);
      expect(Math.abs(distance - all[id]!)).toBeLessThan(scale);
      expect(Math.abs(distance - all[order[place]!]!)).toBeLessThan(scale);
    }
    const ids = found.ids.subarray(q * k, q * k + Math.min(k, order.length));
    expect(new Set(ids).size).toBe(ids.length);
  }
}
