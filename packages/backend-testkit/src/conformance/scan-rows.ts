import type { CompleteBackend } from "@tessera/core";
import { gaussianMatrix, integerMatrix } from "../generators.js";
import { referenceScanRows } from "../reference/scan.js";
import type { CaseDefinition } from "./case.js";
import { checkScanRows, expectNeighbours, type RowsProblem } from "./check-scan.js";
import { expectNonFinite } from "./faults.js";
import { floats } from "./problems.js";

/** Queries, rows, dimension, count: alone and many, fewer rows than places, and rows for every thread. */
const SHAPES: readonly (readonly [number, number, number, number])[] = [
  [0, 5, 3, 2],
  [3, 0, 4, 2],
  [1, 1, 1, 1],
  [2, 33, 0, 3],
  [1, 1000, 16, 10],
  [5, 257, 33, 300],
  [33, 100, 7, 1],
  [70, 515, 24, 20],
  [3, 4003, 12, 3000],
  [200, 300, 5, 7],
  [9, 700, 129, 64],
  [600, 130, 3, 2],
  [1, 20_011, 8, 10],
  [2, 9, 2500, 4],
];

function makeRows(
  [queries, rows, dimension, count]: readonly [number, number, number, number],
  seed: number,
): RowsProblem {
  return {
    queries,
    rows,
    dimension,
    count,
    q: gaussianMatrix(queries, dimension, { seed }).data,
    x: gaussianMatrix(rows, dimension, { seed: seed + 1 }).data,
  };
}

/** Scales of either sign, some 0, and offsets that matter as much as distances do. */
export function makeScales(rows: number, size: number, seed: number) {
  const scales = gaussianMatrix(1, rows, { seed, mean: 0.5 }).data;
  for (let i = 7; i < rows; i += 13) scales[i] = 0;
  return { scales, offsets: gaussianMatrix(1, rows, { seed: seed + 1, spread: size }).data };
}

export const scanRowsCases: readonly CaseDefinition[] = [
  {
    name: "scanRows: the nearest rows on every shape, by both metrics",
    async body(backend, settings) {
      for (const [queries, most, dimension, count] of SHAPES) {
        const limit = Math.ceil((2e6 * settings.scale) / Math.max(1, queries * dimension));
        const shape = [queries, Math.min(most, limit), dimension, count] as const;
        for (const metric of ["l2", "ip"] as const) {
          await checkScanRows(backend, makeRows(shape, 171), settings, metric);
        }
      }
    },
  },
  {
    name: "scanRows: scales of either sign and offsets",
    async body(backend, settings) {
      for (const shape of [
        [1, 300, 9, 10],
        [40, 500, 17, 5],
        [7, 90, 40, 100],
      ] as const) {
        const problem = makeRows(shape, 173);
        const { scales, offsets } = makeScales(shape[1], shape[2], 175);
        for (const metric of ["l2", "ip"] as const) {
          const both = { ...problem, scales, offsets };
          await checkScanRows(backend, both, settings, metric, "with scales and offsets");
          const scaled = { ...problem, scales };
          await checkScanRows(backend, scaled, settings, metric, "with scales");
          const moved = { ...problem, offsets };
          await checkScanRows(backend, moved, settings, metric, "with offsets");
        }
      }
    },
  },
  {
    name: "scanRows: exact ties go to the lowest index",
    async body(backend) {
      for (const [queries, rows, dimension, count] of [
        [1, 2000, 3, 50],
        [40, 700, 2, 9],
        [3, 64, 4, 64],
      ] as const) {
        const q = integerMatrix(queries, dimension, { seed: 177 }).data;
        const x = integerMatrix(rows, dimension, { seed: 178 }).data;
        for (const metric of ["l2", "ip"] as const) {
          if (!backend.scanRows) return;
          const found = backend.scanRows(
            floats(backend, q, [queries, dimension]),
            floats(backend, x, [rows, dimension]),
            count,
            { metric },
          );
          const expected = referenceScanRows(q, x, { queries, rows, dimension }, count, { metric });
          const name = `scanRows ${metric} of integers`;
          await expectNeighbours(found, expected, [queries, count], name);
        }
      }
    },
  },
  {
    name: "scanRows: keeps its accuracy far from the origin, and at every magnitude",
    async body(backend, settings) {
      for (const queries of [2, 37]) {
        const problem = makeRows([queries, 400, 20, 8], 181);
        for (const [what, change] of [
          ["about 300", (v: number) => 300 + v],
          ["of 1e-20", (v: number) => 1e-20 * v],
          ["of 1e-12", (v: number) => 1e-12 * v],
          ["of 1e17", (v: number) => 1e17 * v],
          [
            "with one value that dwarfs the others",
            (v: number, i: number) => (i % 20 === 3 ? 1e4 * v : v),
          ],
          ["of all scales", (v: number, i: number) => v * 10 ** ((Math.floor(i / 20) % 25) - 12)],
        ] as const) {
          const changed = { ...problem, q: problem.q.map(change), x: problem.x.map(change) };
          await checkScanRows(backend, changed, settings, "l2", what);
          await checkScanRows(backend, changed, settings, "ip", what);
        }
      }
    },
  },
  {
    name: "scanRows: a query or row that is not finite, or whose square overflows, is named at read()",
    async body(backend) {
      for (const queries of [1, 50]) {
        for (const value of [NaN, Infinity, -1e25]) {
          const problem = makeRows([queries, 300, 10, 5], 183);
          const asked = problem.q.slice();
          asked[queries * 10 - 3] = value;
          await checkFault(backend, { ...problem, q: asked }, queries - 1, `a query with ${value}`);
          const rows = problem.x.slice();
          for (const row of [203, 131, 299]) rows[row * 10 + 9] = value;
          await checkFault(backend, { ...problem, x: rows }, 131, `a row with ${value}`);
        }
      }
    },
  },
];

async function checkFault(
  backend: CompleteBackend,
  { queries, rows, dimension, count, q, x }: RowsProblem,
  row: number,
  what: string,
): Promise<void> {
  if (!backend.scanRows) return;
  for (const metric of ["l2", "ip"] as const) {
    const { indices, distances } = backend.scanRows(
      floats(backend, q, [queries, dimension]),
      floats(backend, x, [rows, dimension]),
      count,
      { metric },
    );
    await expectNonFinite(indices, row, `scanRows ${metric} with ${what}, indices`);
    await expectNonFinite(distances, row, `scanRows ${metric} with ${what}, distances`);
  }
}
