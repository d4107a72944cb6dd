import { MAX_NEIGHBOURS } from "@tessera/core";
import type { ReferenceNeighbours } from "../../src/reference/scan.js";
import { honest, kernels, methods, type Mutant } from "./mutant.js";

/** Defects of the scans. */
export const scanMutants: readonly Mutant[] = [
  kernels("one row of each 32 is passed over", "scanRows: the nearest rows", {
    scanRows: (q, x, shape, count, options) =>
      honest.scanRows(q, x, shape, count, { ...options, allowed: allBut(shape.rows, 17) }),
  }),
  kernels("the metric is ignored", "scanRows: the nearest rows", {
    scanRows: (q, x, shape, count, options) =>
      honest.scanRows(q, x, shape, count, { ...options, metric: "l2" }),
  }),
  kernels("scales are taken to be positive", "scanRows: scales", {
    scanRows: (q, x, shape, count, options) =>
      honest.scanRows(q, x, shape, count, { ...options, scales: options?.scales?.map(Math.abs) }),
  }),
  kernels("offsets are ignored", "scanRows: scales", {
    scanRows: (q, x, shape, count, options) =>
      honest.scanRows(q, x, shape, count, { ...options, offsets: undefined }),
  }),
  kernels("ties go to the highest index", "scanRows: exact ties", {
    scanRows: (q, x, shape, count, options) => {
      const { rows, dimension } = shape;
      const backwards = x.map(
        (_, i) => x[(rows - 1 - Math.floor(i / dimension)) * dimension + (i % dimension)]!,
      );
      const found = honest.scanRows(q, backwards, shape, count, options);
      return { ...found, indices: found.indices.map((index) => rows - 1 - index) };
    },
  }),
  kernels("distances by expanding the square", "scanRows: keeps its accuracy", {
    scanRows: (q, x, shape, count, options) => {
      const found = honest.scanRows(q, x, shape, count, options);
      const { dimension } = shape;
      if (options?.metric === "ip") return found;
      const distances = found.distances.map((_, place) => {
        const query = Math.floor(place / count);
        const row = found.indices[place]!;
        let sum = 0;
        for (let i = 0; i < dimension; i++) {
          const [a, b] = [q[query * dimension + i]!, x[row * dimension + i]!];
          for (const term of [a * a, b * b, -2 * a * b]) sum = Math.fround(sum + term);
        }
        return sum;
      });
      return { ...found, distances };
    },
  }),
  kernels("small values become zero", "scanRows: keeps its accuracy", {
    scanRows: (q, x, ...rest) => {
      const flush = (value: number): number => (Math.abs(value) < 1e-12 ? 0 : value);
      return honest.scanRows(q.map(flush), x.map(flush), ...rest);
    },
  }),
  kernels("silent NaN", "scanRows: a query or row", {
    scanRows: (q, x, ...rest) => honest.scanRows(q.map(finite), x.map(finite), ...rest),
  }),
  kernels("rows are not checked", "scanRows: a query or row", {
    scanRows: (q, x, ...rest) => honest.scanRows(q, x.map(finite), ...rest),
  }),
  kernels("the two codes of a byte are exchanged", "scanTables: the float32 sums", {
    scanTables: (tables, blocks, shape, ...rest) =>
      honest.scanTables(
        tables,
        shape.codebookSize === 16 ? blocks.map((byte) => (byte << 4) | (byte >> 4)) : blocks,
        shape,
        ...rest,
      ),
  }),
  kernels("codes of 8 bits lose their highest", "scanTables: the float32 sums", {
    scanTables: (tables, blocks, shape, ...rest) =>
      honest.scanTables(
        tables,
        shape.codebookSize === 16 ? blocks : blocks.map((byte) => byte & 127),
        shape,
        ...rest,
      ),
  }),
  kernels("what follows the last row is found too", "scanTables: the float32 sums", {
    scanTables: (tables, blocks, shape, count, options) =>
      honest.scanTables(tables, blocks, shape, count, {
        ...options,
        rows: options.probes || options.scales ? options.rows : Math.ceil(options.rows / 32) * 32,
      }),
  }),
  kernels("tables are rounded to bytes", "scanTables: sums that are hard to bound", {
    scanTables: (tables, blocks, shape, ...rest) => {
      const most = tables.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
      const step = most / 127 || 1;
      const rounded = tables.map((value) => Math.round(value / step) * step);
      return honest.scanTables(rounded, blocks, shape, ...rest);
    },
  }),
  kernels("scales are taken to be positive", "scanTables: scales", {
    scanTables: (tables, blocks, shape, count, options) =>
      honest.scanTables(tables, blocks, shape, count, {
        ...options,
        scales: options.scales?.map(Math.abs),
      }),
  }),
  kernels("biases are ignored", "scanTables: probes", {
    scanTables: (tables, blocks, shape, count, options) =>
      honest.scanTables(tables, blocks, shape, count, {
        ...options,
        probes: options.probes && { ...options.probes, biases: options.probes.biases.map(() => 0) },
      }),
  }),
  kernels("the last probe of a query is left out", "scanTables: probes", {
    scanTables: (tables, blocks, shape, count, options) => {
      const { probes } = options;
      if (!probes) return honest.scanTables(tables, blocks, shape, count, options);
      const perQuery = probes.starts.length / shape.queries;
      const ends = probes.ends.map((end, i) =>
        i % perQuery === perQuery - 1 ? probes.starts[i]! : end,
      );
      return honest.scanTables(tables, blocks, shape, count, {
        ...options,
        probes: { ...probes, ends },
      });
    },
  }),
  kernels("probes are clamped to the rows", "scanTables: a probe that is no stretch", {
    scanTables: (tables, blocks, shape, count, options) => {
      const { probes, rows } = options;
      if (!probes) return honest.scanTables(tables, blocks, shape, count, options);
      const starts = probes.starts.map((start) => Math.min(Math.max(start - (start % 32), 0), 96));
      const ends = probes.ends.map((end, i) => Math.min(Math.max(end, starts[i]!), rows));
      return honest.scanTables(tables, blocks, shape, count, {
        ...options,
        probes: { ...probes, starts, ends },
      });
    },
  }),
  kernels("the last byte is left out", "scanBits: the rows", {
    scanBits: (q, codes, shape, ...rest) => {
      const cut = (data: Uint8Array): Uint8Array =>
        data.map((byte, i) => (i % shape.bytes === shape.bytes - 1 ? 0 : byte));
      return honest.scanBits(cut(q), cut(codes), shape, ...rest);
    },
  }),
  everyScan(
    "the bitmap is read from the highest bit",
    "scans: rows that are not allowed",
    (options) => ({
      ...options,
      allowed: options.allowed?.map(reversed),
    }),
  ),
  everyScan("the index of the first row is ignored", "scans: one block of rows", (options) => ({
    ...options,
    firstIndex: 0,
  })),
  everyScan("earlier finds are ignored", "scans: what was found before", (options) => ({
    ...options,
    found: undefined,
  })),
  methods("counts are clamped to what is allowed", "scans: refuse", (backend) => ({
    scanRows: (q, x, count, options) =>
      backend.scanRows(
        q,
        x,
        Math.min(Math.max(Math.floor(count) || 1, 1), MAX_NEIGHBOURS),
        options,
      ),
  })),
];

type Options = Parameters<typeof honest.scanTables>[4];

/** All scans, with other options than they were called with. */
function everyScan(defect: string, foundBy: string, change: (options: Options) => Options): Mutant {
  const changed = (options: Partial<Options> = {}): Options => change({ rows: 0, ...options });
  return kernels(defect, foundBy, {
    scanRows: (q, x, shape, count, options): ReferenceNeighbours =>
      honest.scanRows(q, x, shape, count, { ...options, ...changed(options) }),
    scanTables: (tables, blocks, shape, count, options) =>
      honest.scanTables(tables, blocks, shape, count, changed(options)),
    scanBits: (q, codes, shape, count, options) =>
      honest.scanBits(q, codes, shape, count, changed(options)),
  });
}

function finite(value: number): number {
  return Number.isFinite(Math.fround(value * value)) ? value : 0;
}

/** A bit for each row but those that leave this remainder by 32. */
function allBut(rows: number, remainder: number): Uint8Array {
  const allowed = new Uint8Array(Math.ceil(rows / 8)).fill(255);
  for (let row = remainder; row < rows; row += 32) allowed[row >> 3]! &= ~(1 << (row & 7));
  return allowed;
}

function reversed(byte: number): number {
  let result = 0;
  for (let bit = 0; bit < 8; bit++) result |= ((byte >> bit) & 1) << (7 - bit);
  return result;
}
