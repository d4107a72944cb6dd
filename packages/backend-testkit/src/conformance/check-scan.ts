import {
  scanTolerance,
  type CompleteBackend,
  type Neighbours,
  type ScanOptions,
} from "@tessera/core";
import { referenceDistance, type Metric } from "../reference/assign.js";
import type { ReferenceNeighbours } from "../reference/scan.js";
import { expectClose, expectExact, expectThat, readAs } from "./assertions.js";
import type { Settings } from "./case.js";
import { floats, integers } from "./problems.js";

/** Rows to scan for queries, on the host. */
export interface RowsProblem {
  readonly queries: number;
  readonly rows: number;
  readonly dimension: number;
  readonly count: number;
  /** `[queries, dimension]` */
  readonly q: Float32Array;
  /** `[rows, dimension]` */
  readonly x: Float32Array;
  readonly scales?: Float32Array | undefined;
  readonly offsets?: Float32Array | undefined;
}

/** Scans rows and holds what was found against float64. */
export async function checkScanRows(
  backend: CompleteBackend,
  problem: RowsProblem,
  settings: Settings,
  metric: Metric,
  what = "",
): Promise<void> {
  const { queries, rows, dimension, count, q, x, scales, offsets } = problem;
  if (!backend.scanRows) return;
  const name = `scanRows ${metric}${what && ` ${what}`}, ${count} of ${rows} rows of ${dimension} values`;
  const found = backend.scanRows(
    floats(backend, q, [queries, dimension]),
    floats(backend, x, [rows, dimension]),
    count,
    {
      metric,
      ...(scales && { scales: floats(backend, scales) }),
      ...(offsets && { offsets: floats(backend, offsets) }),
    },
  );
  const shape = [queries, count];
  const indices = await readAs(found.indices, "int32", shape, `${name}, indices`);
  const distances = await readAs(found.distances, "float32", shape, `${name}, distances`);
  const norm = (data: Float32Array, row: number): number =>
    Math.sqrt(-referenceDistance(data, row * dimension, data, row * dimension, dimension, "ip"));
  const norms = Float64Array.from({ length: rows }, (_, i) => norm(x, i));
  const scale = (i: number): number => scales?.[i] ?? 1;
  const flushed = settings.flushesSubnormals ? 4 * (dimension + 2) * 2 ** -126 : 0;
  for (let query = 0; query < queries; query++) {
    const plain = Float64Array.from({ length: rows }, (_, i) =>
      referenceDistance(q, query * dimension, x, i * dimension, dimension, metric),
    );
    const exact = plain.map((distance, i) => scale(i) * distance + (offsets?.[i] ?? 0));
    const rounding = (i: number): number =>
      scales || offsets
        ? 2 ** -22 * (Math.abs(scale(i) * plain[i]!) + Math.abs(offsets?.[i] ?? 0))
        : 0;
    const queryNorm = norm(q, query);
    const tolerance = (i: number): number =>
      Math.abs(scale(i)) * (scanTolerance(dimension, queryNorm, norms[i]!) + flushed) + rounding(i);
    const places = indices.subarray(query * count, (query + 1) * count);
    const values = distances.subarray(query * count, (query + 1) * count);
    const expected = Math.min(count, rows);
    checkPlaces(places, values, expected, rows, `${name}, query ${query}`);
    const chosen = places.subarray(0, expected);
    // As of a single distance of `assign`: its sum, and roundings of the factor and the term.
    const bound = (j: number): number => {
      const i = chosen[j]!;
      const terms = metric === "l2" ? plain[i]! : queryNorm * norms[i]!;
      return (
        Math.abs(scale(i)) * (dimension + 4) * (2 ** -24 * terms + settings.smallest) + rounding(i)
      );
    };
    expectClose(
      values.subarray(0, expected),
      Float64Array.from(chosen, (i) => exact[i]!),
      bound,
      [expected],
      `${name}, distances of query ${query}`,
    );
    if (expected === 0 || expected === rows) continue;
    const taken = new Set(chosen);
    const last = chosen.reduce((worst, i) => (exact[i]! > exact[worst]! ? i : worst), chosen[0]!);
    for (let i = 0; i < rows; i++) {
      const gap = exact[last]! - exact[i]!;
      const allowed = tolerance(i) + tolerance(last);
      expectThat(
        taken.has(i) || gap <= allowed,
        name,
        () =>
          `query ${query}: row ${i} is ${gap} nearer than row ${last}, which was found instead; ${allowed} is allowed`,
      );
    }
  }
}

/** Indices are rows, each once, in the order of (distance, index), and places without a row come last. */
function checkPlaces(
  indices: Int32Array,
  distances: Float32Array,
  expected: number,
  rows: number,
  name: string,
): void {
  indices.forEach((index, j) => {
    if (j >= expected) {
      const empty = index === -1 && distances[j] === Infinity;
      expectThat(empty, name, `place ${j} should be empty; it holds ${index} at ${distances[j]}`);
      return;
    }
    expectThat(index >= 0 && index < rows, name, () => `there is no row ${index}, at place ${j}`);
    const ordered =
      j === 0 ||
      distances[j - 1]! < distances[j]! ||
      (distances[j - 1] === distances[j] && indices[j - 1]! < index);
    expectThat(
      ordered,
      name,
      () => `places ${j - 1} and ${j} are not in the order of (distance, index)`,
    );
  });
  const distinct = new Set(indices.subarray(0, expected)).size;
  expectThat(distinct === expected, name, "a row was found twice");
}

/** Indices and distances exactly those of the reference. */
export async function expectNeighbours(
  found: Neighbours,
  expected: ReferenceNeighbours,
  shape: readonly number[],
  name: string,
): Promise<void> {
  const indices = await readAs(found.indices, "int32", shape, `${name}, indices`);
  const distances = await readAs(found.distances, "float32", shape, `${name}, distances`);
  expectExact(distances, expected.distances, shape, `${name}, distances`);
  expectExact(indices, expected.indices, shape, `${name}, indices`);
}

/** Options as tensors: a bitmap, earlier finds, and the index of the first row. */
export function scanOptions(
  backend: CompleteBackend,
  options: {
    readonly allowed?: Uint8Array | undefined;
    readonly found?: ReferenceNeighbours | undefined;
    readonly firstIndex?: number | undefined;
  },
  shape: readonly number[],
): ScanOptions {
  const { allowed, found, firstIndex } = options;
  return {
    ...(allowed && { allowed: backend.tensor(allowed) }),
    ...(found && {
      found: {
        indices: integers(backend, found.indices, shape),
        distances: floats(backend, Float32Array.from(found.distances), shape),
      },
    }),
    ...(firstIndex !== undefined && { firstIndex }),
  };
}
