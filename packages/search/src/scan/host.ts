import { BackendError, pause } from "@tessera/core";
import { distanceOf } from "../metric.js";
import type { BlockValues, ProbeList, QueryForm, ScanBlock, ScanSession } from "./session.js";
import { type FoundRows, TopK } from "./top-k.js";

/** Scans on the host, for backends without scan kernels: their definitions, written to be read. */
export class HostScan implements ScanSession {
  readonly backend = undefined;
  readonly #queries: QueryForm;
  readonly #count: number;
  readonly #best: readonly TopK[];

  constructor(queries: QueryForm, queryCount: number, count: number) {
    this.#queries = queries;
    this.#count = count;
    this.#best = Array.from({ length: queryCount }, () => new TopK(count));
  }

  rows(values: BlockValues, block: ScanBlock): void {
    const queries = this.#queries;
    if (queries.kind !== "rows" || typeof values === "function") throw misused();
    const { rows, metric } = queries;
    const { cols } = rows;
    this.#scan(block, (q, i) =>
      distanceOf(metric, rows.data, q * cols, values.data, i * cols, cols),
    );
  }

  tables(blocks: Uint8Array, rowBytes: number, block: ScanBlock, probes?: ProbeList): void {
    const queries = this.#queries;
    if (queries.kind !== "tables") throw misused();
    const { tables, columns, size } = queries;
    const distance = (q: number, i: number): number => {
      const first = Math.floor(i / 32) * 32 * rowBytes + (i % 32);
      let table = q * columns * size;
      let sum = 0;
      for (let m = 0; m < columns; m++, table += size) {
        const byte = size === 256 ? blocks[first + 32 * m]! : blocks[first + 32 * (m >> 1)]!;
        const code = size === 256 ? byte : m % 2 === 0 ? byte & 15 : byte >> 4;
        sum = Math.fround(sum + tables[table + code]!);
      }
      return sum;
    };
    if (probes === undefined) return this.#scan(block, distance);
    for (let q = 0, at = 0; q < this.#best.length; q++) {
      for (let p = 0; p < probes.count; p++, at++) {
        const bias = probes.biases[at]!;
        this.#scanQuery(q, block, distance, bias, probes.starts[at]!, probes.ends[at]!);
      }
    }
  }

  bits(codes: Uint8Array, block: ScanBlock): void {
    const queries = this.#queries;
    if (queries.kind !== "bits") throw misused();
    const { bits, rowBytes } = queries;
    this.#scan(block, (q, i) => {
      let sum = 0;
      for (let b = 0; b < rowBytes; b++) {
        sum += ONES[bits[q * rowBytes + b]! ^ codes[i * rowBytes + b]!]!;
      }
      return sum;
    });
  }

  settle(): Promise<void> {
    return pause();
  }

  async finish(): Promise<FoundRows> {
    const places = this.#best.length * this.#count;
    const found = { indices: new Int32Array(places), distances: new Float32Array(places) };
    this.#best.forEach((best, q) => best.drainInto(found, q));
    return found;
  }

  dispose(): void {}

  #scan(block: ScanBlock, distance: (query: number, row: number) => number): void {
    for (let q = 0; q < this.#best.length; q++) {
      this.#scanQuery(q, block, distance, undefined, 0, block.rows);
    }
  }

  #scanQuery(
    q: number,
    { allowed, scales, offsets, firstIndex }: ScanBlock,
    distance: (query: number, row: number) => number,
    bias: number | undefined,
    start: number,
    end: number,
  ): void {
    const best = this.#best[q]!;
    for (let i = start; i < end; i++) {
      if (allowed && ((allowed[i >> 3]! >> (i & 7)) & 1) === 0) continue;
      let value = Math.fround(distance(q, i));
      if (scales) value = Math.fround(value * scales[i]!);
      if (offsets) value = Math.fround(value + offsets[i]!);
      if (bias !== undefined) value = Math.fround(value + bias);
      if (value <= best.limit) best.push(firstIndex + i, value);
    }
  }
}

/** Number of ones in each byte. */
const ONES = /* @__PURE__ */ Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let bits = byte; bits > 0; bits >>= 1) ones += bits & 1;
  return ones;
});

function misused(): BackendError {
  return new BackendError("a scan was given blocks of another form than its queries");
}
