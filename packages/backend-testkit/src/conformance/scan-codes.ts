import { ArgumentError, type CompleteBackend } from "@tessera/core";
import { gaussianMatrix, integerMatrix, randomCodes } from "../generators.js";
import {
  referenceScanBits,
  referenceScanTables,
  type ReferenceProbes,
  type ReferenceScales,
  type TablesShape,
} from "../reference/scan.js";
import { expectRejects } from "./assertions.js";
import type { CaseDefinition } from "./case.js";
import { expectNeighbours } from "./check-scan.js";
import { floats, integers } from "./problems.js";
import { makeScales } from "./scan-rows.js";

/** Queries, groups, codewords of a group, rows, count. */
type TablesExtents = readonly [number, number, 16 | 256, number, number];

const SHAPES: readonly TablesExtents[] = [
  [0, 2, 16, 5, 1],
  [2, 0, 16, 40, 3],
  [3, 4, 256, 0, 2],
  [1, 1, 16, 1, 1],
  [3, 5, 16, 33, 4],
  [2, 3, 256, 70, 5],
  [7, 8, 256, 300, 10],
  [5, 32, 16, 1000, 10],
  [1, 16, 256, 4003, 100],
  [33, 7, 16, 200, 3],
  [2, 600, 16, 300, 5],
  [1, 300, 256, 100, 5],
  [4, 9, 256, 100, 300],
  [2, 6, 16, 3000, 2500],
  [1, 11, 16, 20_011, 20],
];

export interface TablesProblem {
  readonly shape: TablesShape;
  readonly rows: number;
  readonly count: number;
  readonly tables: Float32Array;
  readonly blocks: Uint8Array;
  readonly options: ReferenceScales & { readonly probes?: ReferenceProbes | undefined };
}

/** Tables of normal values and codes at random; the last block is filled up with codes that are not rows. */
export function makeTables(
  [queries, groups, codebookSize, rows, count]: TablesExtents,
  seed: number,
): TablesProblem {
  const bytes = codebookSize === 16 ? Math.ceil(groups / 2) : groups;
  const size = Math.ceil(rows / 32) * bytes * 32;
  return {
    shape: { queries, groups, codebookSize },
    rows,
    count,
    tables: gaussianMatrix(queries * groups, codebookSize, { seed, mean: 2 }).data,
    blocks: Uint8Array.from(randomCodes(size, 1, 256, { seed: seed + 1 })),
    options: {},
  };
}

async function checkTables(
  backend: CompleteBackend,
  { shape, rows, count, tables, blocks, options }: TablesProblem,
  what = "",
): Promise<void> {
  if (!backend.scanTables) return;
  const { queries, groups, codebookSize } = shape;
  const bytes = codebookSize === 16 ? Math.ceil(groups / 2) : groups;
  const { scales, offsets, probes } = options;
  const visits = probes && [queries, probes.starts.length / Math.max(1, queries)];
  const found = backend.scanTables(
    floats(backend, tables, [queries, groups, codebookSize]),
    backend.tensor(blocks, [Math.ceil(rows / 32), bytes, 32]),
    count,
    {
      rows,
      ...(scales && { scales: floats(backend, scales) }),
      ...(offsets && { offsets: floats(backend, offsets) }),
      ...(probes && {
        probes: {
          starts: integers(backend, probes.starts, visits),
          ends: integers(backend, probes.ends, visits),
          biases: floats(backend, probes.biases, visits),
        },
      }),
    },
  );
  const expected = referenceScanTables(tables, blocks, shape, count, { ...options, rows });
  const name = `scanTables${what && ` ${what}`}, ${count} of ${rows} rows by tables [${groups}, ${codebookSize}]`;
  await expectNeighbours(found, expected, [queries, count], name);
}

/** Stretches in no order, some empty, that do not overlap. */
function makeProbes(queries: number, rows: number, perQuery: number): ReferenceProbes {
  const blocks = Math.ceil(rows / 32);
  const starts: number[] = [];
  const ends: number[] = [];
  for (let query = 0; query < queries; query++) {
    for (let p = 0; p < perQuery; p++) {
      // Each visits a residue class of blocks, at a place that differs from query to query.
      const block =
        (perQuery * ((7 * query + 3 * p) % Math.max(1, Math.floor(blocks / perQuery))) + p) %
        blocks;
      const start = 32 * block;
      starts.push(start);
      ends.push(Math.min(rows, start + ((11 * query + 5 * p) % 33)));
    }
  }
  return {
    starts: Int32Array.from(starts),
    ends: Int32Array.from(ends),
    biases: gaussianMatrix(queries, perQuery, { seed: 199 }).data,
  };
}

export const scanCodesCases: readonly CaseDefinition[] = [
  {
    name: "scanTables: the float32 sums in the order of m, to the bit, on every shape",
    async body(backend, { scale }) {
      for (const [queries, groups, codebookSize, most, count] of SHAPES) {
        const limit = Math.ceil((2e6 * scale) / Math.max(1, queries * groups));
        const shape = [queries, groups, codebookSize, Math.min(most, limit), count] as const;
        await checkTables(backend, makeTables(shape, 185));
      }
    },
  },
  {
    name: "scanTables: sums that are hard to bound, and ties",
    async body(backend) {
      for (const codebookSize of [16, 256] as const) {
        const problem = makeTables([5, 12, codebookSize, 500, 10], 187);
        const { tables } = problem;
        const width = 12 * codebookSize;
        const whole = integerMatrix(1, tables.length, { seed: 188, bound: 2 }).data;
        for (const [what, changed] of [
          ["of small integers", whole],
          ["of zeros", new Float32Array(tables.length)],
          ["far from 0", tables.map((v) => 1e4 + v)],
          ["below 0", tables.map((v) => v - 100)],
          [
            "with one column that dwarfs the others",
            tables.map((v, i) => (i % width < codebookSize ? 1e5 * v : v)),
          ],
          [
            "with columns that cancel",
            tables.map(
              (v, i) =>
                v +
                (i % width < codebookSize ? 1e6 : 0) -
                (i % width >= width - codebookSize ? 1e6 : 0),
            ),
          ],
          ["of 1e30", tables.map((v) => 1e30 * v)],
          ["of 1e-30", tables.map((v) => 1e-30 * v)],
          ["of all scales", tables.map((v, i) => v * 10 ** ((i % 30) - 15))],
        ] as const) {
          await checkTables(backend, { ...problem, tables: changed }, what);
        }
      }
    },
  },
  {
    name: "scanTables: scales of either sign and offsets",
    async body(backend) {
      for (const shape of [
        [3, 13, 16, 700, 10],
        [1, 200, 16, 300, 5],
        [6, 8, 256, 400, 7],
      ] as const) {
        const problem = makeTables(shape, 189);
        const { scales, offsets } = makeScales(shape[3], shape[1], 191);
        await checkTables(backend, { ...problem, options: { scales, offsets } }, "with both");
        await checkTables(backend, { ...problem, options: { scales } }, "with scales");
        await checkTables(backend, { ...problem, options: { offsets } }, "with offsets");
      }
    },
  },
  {
    name: "scanTables: probes visit their stretches alone, with their biases",
    async body(backend) {
      for (const [queries, groups, codebookSize, rows, count, perQuery] of [
        [1, 16, 256, 2000, 10, 8],
        [9, 8, 16, 1500, 5, 3],
        [4, 4, 256, 333, 40, 11],
        [2, 3, 16, 20, 4, 1],
        [3, 3, 16, 100, 4, 0],
      ] as const) {
        const problem = makeTables([queries, groups, codebookSize, rows, count], 193);
        const probes = makeProbes(queries, rows, perQuery);
        await checkTables(backend, { ...problem, options: { probes } }, "with probes");
        const scaled = { ...makeScales(rows, groups, 195), probes };
        await checkTables(backend, { ...problem, options: scaled }, "with probes and scales");
      }
      const long = makeTables([2, 6, 16, 3000, 20], 197);
      const probes = {
        starts: Int32Array.of(32, 1600, 0, 3008 - 32),
        ends: Int32Array.of(1600, 3000, 2976, 3000),
        biases: Float32Array.of(0.25, 0.125, -1, 1),
      };
      await checkTables(backend, { ...long, options: { probes } }, "with long probes");
    },
  },
  {
    name: "scanTables: a probe that is no stretch of the rows surfaces at read()",
    async body(backend) {
      if (!backend.scanTables) return;
      for (const [start, end] of [
        [-32, 10],
        [16, 40],
        [64, 63],
        [0, 101],
        [128, 128],
      ] as const) {
        const tables = backend.zeros([2, 4, 16], "float32");
        const blocks = backend.zeros([4, 2, 32], "uint8");
        const probes = {
          starts: integers(backend, [0, 32, 96, start], [2, 2]),
          ends: integers(backend, [5, 32, 100, end], [2, 2]),
          biases: backend.zeros([2, 2], "float32"),
        };
        const { indices } = backend.scanTables(tables, blocks, 3, { rows: 100, probes });
        const name = `scanTables with a probe of rows ${start} to ${end}`;
        await expectRejects(() => indices.read(), ArgumentError, name);
      }
    },
  },
  {
    name: "scanBits: the rows that differ in the fewest bits, on every shape",
    async body(backend, { scale }) {
      for (const [queries, most, bytes, count] of [
        [0, 3, 2, 1],
        [2, 0, 3, 1],
        [1, 1, 1, 1],
        [7, 130, 0, 3],
        [3, 100, 13, 10],
        [5, 1000, 16, 20],
        [1, 5003, 8, 7],
        [40, 300, 128, 9],
        [2, 77, 3, 100],
        [200, 600, 5, 4],
        [3, 400, 300, 8],
        [6, 3000, 10, 2500],
        [1, 20_011, 2, 50],
      ] as const) {
        if (!backend.scanBits) return;
        const rows = Math.min(most, Math.ceil((2e6 * scale) / Math.max(1, queries * bytes)));
        const q = Uint8Array.from(randomCodes(queries, bytes, 256, { seed: 201 }));
        const codes = Uint8Array.from(randomCodes(rows, bytes, 256, { seed: 203 }));
        // One row that differs nowhere, and one everywhere.
        if (rows > 2 && queries > 0) {
          codes.set(q.subarray(0, bytes), bytes);
          codes.set(
            q.subarray(0, bytes).map((byte) => ~byte),
            2 * bytes,
          );
        }
        const found = backend.scanBits(
          backend.tensor(q, [queries, bytes]),
          backend.tensor(codes, [rows, bytes]),
          count,
        );
        const expected = referenceScanBits(q, codes, { queries, rows, bytes }, count);
        const name = `scanBits, ${count} of ${rows} rows of ${bytes} bytes`;
        await expectNeighbours(found, expected, [queries, count], name);
      }
    },
  },
];
