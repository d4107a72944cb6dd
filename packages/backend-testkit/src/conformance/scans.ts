import {
  ArgumentError,
  ShapeError,
  type CompleteBackend,
  type Neighbours,
  type ScanOptions,
  type Tensor,
} from "@tessera/core";
import { integerMatrix, randomCodes } from "../generators.js";
import {
  referenceScanBits,
  referenceScanRows,
  referenceScanTables,
  type ReferenceNeighbours,
  type ReferenceScanOptions,
} from "../reference/scan.js";
import { expectRefused, untyped, type Trial } from "./arguments.js";
import type { CaseDefinition } from "./case.js";
import { expectNeighbours, scanOptions } from "./check-scan.js";
import { floats } from "./problems.js";

/** One of the scans over rows `start..end` of a set of rows, and its reference. */
interface Scan {
  readonly name: string;
  readonly run: (start: number, end: number, options: ScanOptions) => Neighbours | undefined;
  readonly reference: (
    start: number,
    end: number,
    options: ReferenceScanOptions,
  ) => ReferenceNeighbours;
}

const ROWS = 700;

/** All scans over data whose distances are exact in float32. Starts are multiples of 32. */
function scansOf(backend: CompleteBackend, queries: number, count: number): Scan[] {
  const dimension = 5;
  const q = integerMatrix(queries, dimension, { seed: 211 }).data;
  const x = integerMatrix(ROWS, dimension, { seed: 212 }).data;
  const bytes = 3;
  const bits = Uint8Array.from(randomCodes(queries, bytes, 256, { seed: 213 }));
  const codes = Uint8Array.from(randomCodes(ROWS, bytes, 256, { seed: 214 }));
  const groups = 6;
  const tables = integerMatrix(queries, groups * 16, { seed: 215, bound: 9 }).data;
  const blocks = Uint8Array.from(randomCodes(Math.ceil(ROWS / 32), 96, 256, { seed: 216 }));
  const ofBlocks = (start: number, end: number): Uint8Array =>
    blocks.slice(3 * start, 96 * Math.ceil(end / 32));
  return [
    {
      name: "scanRows",
      run: (start, end, options) =>
        backend.scanRows?.(
          floats(backend, q, [queries, dimension]),
          floats(backend, x.slice(start * dimension, end * dimension), [end - start, dimension]),
          count,
          options,
        ),
      reference: (start, end, options) =>
        referenceScanRows(
          q,
          x.slice(start * dimension, end * dimension),
          { queries, rows: end - start, dimension },
          count,
          options,
        ),
    },
    {
      name: "scanTables",
      run: (start, end, options) =>
        backend.scanTables?.(
          floats(backend, tables, [queries, groups, 16]),
          backend.tensor(ofBlocks(start, end), [Math.ceil((end - start) / 32), 3, 32]),
          count,
          { ...options, rows: end - start },
        ),
      reference: (start, end, options) =>
        referenceScanTables(
          tables,
          ofBlocks(start, end),
          { queries, groups, codebookSize: 16 },
          count,
          { ...options, rows: end - start },
        ),
    },
    {
      name: "scanBits",
      run: (start, end, options) =>
        backend.scanBits?.(
          backend.tensor(bits, [queries, bytes]),
          backend.tensor(codes.slice(start * bytes, end * bytes), [end - start, bytes]),
          count,
          options,
        ),
      reference: (start, end, options) =>
        referenceScanBits(
          bits,
          codes.slice(start * bytes, end * bytes),
          { queries, rows: end - start, bytes },
          count,
          options,
        ),
    },
  ];
}

/** Queries and count of each trial. */
const TRIALS = [
  [1, 10],
  [9, 3],
  [40, 100],
] as const;

export const scansCases: readonly CaseDefinition[] = [
  {
    name: "scans: rows that are not allowed take no part",
    async body(backend) {
      const some = Uint8Array.from(randomCodes(88, 1, 256, { seed: 221 }));
      const few = new Uint8Array(88).map((_, i) => (i % 29 === 3 ? 0x11 : 0));
      for (const [queries, count] of TRIALS) {
        for (const { name, run, reference } of scansOf(backend, queries, count)) {
          for (const allowed of [some, few, new Uint8Array(88)]) {
            const found = run(0, ROWS, { allowed: backend.tensor(allowed) });
            if (!found) continue;
            const expected = reference(0, ROWS, { allowed });
            await expectNeighbours(found, expected, [queries, count], `${name} of allowed rows`);
          }
        }
      }
    },
  },
  {
    name: "scans: one block of rows after another finds what one call does",
    async body(backend) {
      for (const [queries, count] of TRIALS) {
        for (const { name, run, reference } of scansOf(backend, queries, count)) {
          const expected = reference(0, ROWS, {});
          // Also backwards, so that ties come from either side.
          for (const starts of [
            [0, 32, 320, 640],
            [640, 320, 32, 0],
          ]) {
            let found: Neighbours | undefined;
            for (const start of starts) {
              const end = { 0: 32, 32: 320, 320: 640 }[start] ?? ROWS;
              found = run(start, end, { firstIndex: start, ...(found && { found }) });
            }
            if (!found) continue;
            await expectNeighbours(found, expected, [queries, count], `${name}, block by block`);
          }
        }
      }
    },
  },
  {
    name: "scans: what was found before stays, and empty places are filled",
    async body(backend) {
      const shape = [2, 6];
      const found = {
        indices: Int32Array.of(2_000_000_000, 5, -1, -1, -1, -1, 1, 2, 3, 4, 5, 6),
        distances: Float64Array.of(
          -1e9,
          7,
          ...Array.from({ length: 4 }, () => Infinity),
          ...Array.from({ length: 6 }, () => -1e8),
        ),
      };
      for (const { name, run, reference } of scansOf(backend, 2, 6)) {
        const options = { found, firstIndex: 1_000_000_000 };
        const result = run(0, 64, scanOptions(backend, options, shape));
        if (!result) continue;
        const expected = reference(0, 64, options);
        await expectNeighbours(result, expected, shape, `${name} with earlier finds`);
      }
    },
  },
  {
    name: "scans: refuse wrong shapes, types and options",
    async body(backend) {
      const x = backend.zeros([4, 3], "float32");
      const wide = backend.zeros([4, 2], "float32");
      const five = backend.zeros([5], "float32");
      const bytes = backend.zeros([4, 3], "uint8");
      const narrow = backend.zeros([4, 2], "uint8");
      const allowed = backend.zeros([2], "uint8");
      const found = {
        indices: backend.zeros([4, 2], "int32"),
        distances: backend.zeros([4, 1], "float32"),
      };
      const notFloats = untyped<Tensor<"float32">>(bytes);
      const notBytes = untyped<Tensor<"uint8">>(x);
      const metric = untyped<"l2">("cosine");
      const trials: Trial[] = [];
      const { scanRows, scanTables, scanBits } = backend;
      if (scanRows) {
        const scan = scanRows.bind(backend);
        trials.push(
          ["scanRows of 2 columns for 3", () => scan(x, wide, 1), [ShapeError]],
          ["scanRows of a vector", () => scan(x, five, 1), [ShapeError]],
          ["scanRows of uint8", () => scan(notFloats, x, 1), [ArgumentError]],
          ["scanRows by cosine", () => scan(x, x, 1, { metric }), [ArgumentError]],
          ["scanRows, 5 scales for 4 rows", () => scan(x, x, 1, { scales: five }), [ShapeError]],
          ["scanRows, 5 offsets for 4 rows", () => scan(x, x, 1, { offsets: five }), [ShapeError]],
          ["scanRows, bits for 16 rows", () => scan(x, x, 1, { allowed }), [ShapeError]],
          ["scanRows, found of another count", () => scan(x, x, 1, { found }), [ShapeError]],
          ["scanRows, firstIndex -1", () => scan(x, x, 1, { firstIndex: -1 }), [ArgumentError]],
          [
            "scanRows, firstIndex 2^31",
            () => scan(x, x, 1, { firstIndex: 2 ** 31 - 2 }),
            [ArgumentError],
          ],
          ...[0, 4097, 1.5, NaN].map(
            (count) =>
              [`scanRows, count ${count}`, () => scan(x, x, count), [ArgumentError]] as const,
          ),
        );
      }
      if (scanBits) {
        const scan = scanBits.bind(backend);
        trials.push(
          ["scanBits of 2 bytes for 3", () => scan(bytes, narrow, 1), [ShapeError]],
          ["scanBits of float32", () => scan(bytes, notBytes, 1), [ArgumentError]],
          ["scanBits, bits for 16 rows", () => scan(bytes, bytes, 1, { allowed }), [ShapeError]],
          ["scanBits, count 4097", () => scan(bytes, bytes, 4097), [ArgumentError]],
        );
      }
      if (scanTables) {
        const scan = scanTables.bind(backend);
        const tables = backend.zeros([2, 3, 16], "float32");
        const large = backend.zeros([2, 2, 256], "float32");
        const odd = backend.zeros([2, 3, 32], "float32");
        const blocks = backend.zeros([2, 2, 32], "uint8");
        const starts = backend.zeros([2, 1], "int32");
        const probes = { starts, ends: starts, biases: backend.zeros([2, 2], "float32") };
        trials.push(
          ["scanTables of a matrix", () => scan(x, blocks, 1, { rows: 40 }), [ShapeError]],
          [
            "scanTables of 32 codewords",
            () => scan(odd, blocks, 1, { rows: 40 }),
            [ArgumentError, ShapeError],
          ],
          [
            "scanTables of 2 blocks for 65 rows",
            () => scan(tables, blocks, 1, { rows: 65 }),
            [ShapeError],
          ],
          [
            "scanTables of 2 blocks for 32 rows",
            () => scan(large, blocks, 1, { rows: 32 }),
            [ShapeError],
          ],
          ["scanTables of -1 rows", () => scan(tables, blocks, 1, { rows: -1 }), [ArgumentError]],
          [
            "scanTables, 5 scales",
            () => scan(tables, blocks, 1, { rows: 40, scales: five }),
            [ShapeError],
          ],
          [
            "scanTables, biases of 2 for 1 probe",
            () => scan(tables, blocks, 1, { rows: 40, probes }),
            [ShapeError],
          ],
          ["scanTables, count 0", () => scan(tables, blocks, 0, { rows: 40 }), [ArgumentError]],
        );
      }
      expectRefused(backend, trials);
    },
  },
];
