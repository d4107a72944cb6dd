import { ArgumentError } from "@tessera/core";
import { referenceDistance, type Metric } from "./assign.js";
import { checkNorms } from "./norms.js";

/** Indices and distances of the nearest rows, both `[q, count]`; −1 and Infinity where there is none. */
export interface ReferenceNeighbours {
  readonly indices: Int32Array;
  readonly distances: Float64Array;
}

export interface ReferenceScanOptions {
  /** A bit for each row that takes part. Default: all do. */
  readonly allowed?: Uint8Array | undefined;
  /** What earlier calls found. Default: nothing. */
  readonly found?: ReferenceNeighbours | undefined;
  /** Index of the first row. Default: 0. */
  readonly firstIndex?: number | undefined;
}

/** A factor and a term for the distances of each row. */
export interface ReferenceScales {
  /** `[n]`. Default: 1 each. */
  readonly scales?: Float32Array | undefined;
  /** `[n]`. Default: 0 each. */
  readonly offsets?: Float32Array | undefined;
}

export interface ReferenceScanRowsOptions extends ReferenceScanOptions, ReferenceScales {
  /** Default: `l2`. */
  readonly metric?: Metric | undefined;
}

/** Stretches of rows for each query, as in `Probes`: `[q, p]` each. */
export interface ReferenceProbes {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly biases: Float32Array;
}

export interface ReferenceScanTablesOptions extends ReferenceScanOptions, ReferenceScales {
  readonly rows: number;
  readonly probes?: ReferenceProbes | undefined;
}

/** The extents of look-up tables `[queries, groups, codebookSize]`. */
export interface TablesShape {
  readonly queries: number;
  readonly groups: number;
  readonly codebookSize: 16 | 256;
}

/** Rows of a block of transposed codes. */
const BLOCK_ROWS = 32;

/**
 * The `count` rows nearest to each query, ordered by (distance, index): ‖q − row‖² or −q·row, then
 * `scales[i] · that + offsets[i]`.
 *
 * @param queries `[q, dimension]`
 * @param rows `[n, dimension]`
 * @throws {NonFiniteError} naming the first query (or row) that is not finite or whose squared norm overflows float32
 */
export function referenceScanRows(
  queries: Float32Array,
  rows: Float32Array,
  shape: { readonly queries: number; readonly rows: number; readonly dimension: number },
  count: number,
  options: ReferenceScanRowsOptions = {},
): ReferenceNeighbours {
  const { dimension } = shape;
  const { metric = "l2", scales, offsets } = options;
  checkNorms(queries, dimension, 1, "query");
  checkNorms(rows, dimension, 1, "input");
  return nearest(shape.queries, count, options, (query, offer) => {
    for (let i = 0; i < shape.rows; i++) {
      const start = query * dimension;
      const plain = referenceDistance(queries, start, rows, i * dimension, dimension, metric);
      // Rounded before they are compared, so that ties are those of the result.
      offer(i, Math.fround((scales?.[i] ?? 1) * plain + (offsets?.[i] ?? 0)));
    }
  });
}

/**
 * The rows of codes nearest to each query by look-up tables: `Σ over m of tables[q, m, codes(i, m)]` in float32, in the
 * order of m, then `scales[i] · that`, `+ offsets[i]` and `+ biases[q, p]`, each step rounded.
 *
 * @param tables `[q, m, k]`
 * @param blocks `[ceil(n / 32), B, 32]`, laid out as `scanTables` says
 * @throws {ArgumentError} naming the first probe that is not a stretch of the rows
 */
export function referenceScanTables(
  tables: Float32Array,
  blocks: Uint8Array,
  shape: TablesShape,
  count: number,
  options: ReferenceScanTablesOptions,
): ReferenceNeighbours {
  const { queries, groups, codebookSize } = shape;
  const { rows, scales, offsets, probes } = options;
  const bytes = codebookSize === 16 ? Math.ceil(groups / 2) : groups;
  if (probes) checkProbes(probes, rows);
  const codeOf = (row: number, m: number): number => {
    const b = codebookSize === 16 ? m >> 1 : m;
    const byte = blocks[(Math.floor(row / BLOCK_ROWS) * bytes + b) * BLOCK_ROWS + (row % 32)]!;
    return codebookSize === 16 ? (byte >> (4 * (m % 2))) & 15 : byte;
  };
  return nearest(queries, count, options, (query, offer) => {
    const visit = (start: number, end: number, bias: number | undefined): void => {
      for (let i = start; i < end; i++) {
        let sum = 0;
        for (let m = 0; m < groups; m++) {
          sum = Math.fround(sum + tables[(query * groups + m) * codebookSize + codeOf(i, m)]!);
        }
        if (scales) sum = Math.fround(scales[i]! * sum);
        if (offsets) sum = Math.fround(sum + offsets[i]!);
        offer(i, bias === undefined ? sum : Math.fround(sum + bias));
      }
    };
    if (!probes) return visit(0, rows, undefined);
    const perQuery = probes.starts.length / queries;
    for (let p = query * perQuery; p < (query + 1) * perQuery; p++) {
      visit(probes.starts[p]!, probes.ends[p]!, probes.biases[p]!);
    }
  });
}

/**
 * The rows whose bits differ from each query's in the fewest places.
 *
 * @param queries `[q, bytes]`
 * @param codes `[n, bytes]`
 */
export function referenceScanBits(
  queries: Uint8Array,
  codes: Uint8Array,
  shape: { readonly queries: number; readonly rows: number; readonly bytes: number },
  count: number,
  options: ReferenceScanOptions = {},
): ReferenceNeighbours {
  const { bytes } = shape;
  return nearest(shape.queries, count, options, (query, offer) => {
    for (let i = 0; i < shape.rows; i++) {
      let differing = 0;
      for (let b = 0; b < bytes; b++) {
        differing += ones(queries[query * bytes + b]! ^ codes[i * bytes + b]!);
      }
      offer(i, differing);
    }
  });
}

/** The nearest of what `visit` offers and of what was found before. */
function nearest(
  queries: number,
  count: number,
  { allowed, found, firstIndex = 0 }: ReferenceScanOptions,
  visit: (query: number, offer: (row: number, distance: number) => void) => void,
): ReferenceNeighbours {
  const indices = new Int32Array(queries * count).fill(-1);
  const distances = new Float64Array(queries * count).fill(Infinity);
  for (let query = 0; query < queries; query++) {
    const all: { readonly index: number; readonly distance: number }[] = [];
    visit(query, (row, distance) => {
      if (allowed && ((allowed[row >> 3]! >> (row & 7)) & 1) === 0) return;
      all.push({ index: firstIndex + row, distance });
    });
    found?.indices.subarray(query * count, (query + 1) * count).forEach((index, place) => {
      if (index >= 0) all.push({ index, distance: found.distances[query * count + place]! });
    });
    // What is written as a difference of infinities would be NaN.
    all.sort(
      (a, b) =>
        Number(a.distance > b.distance) - Number(a.distance < b.distance) || a.index - b.index,
    );
    all.slice(0, count).forEach(({ index, distance }, place) => {
      indices[query * count + place] = index;
      distances[query * count + place] = distance;
    });
  }
  return { indices, distances };
}

function checkProbes({ starts, ends }: ReferenceProbes, rows: number): void {
  starts.forEach((start, position) => {
    const end = ends[position]!;
    if (start >= 0 && start % BLOCK_ROWS === 0 && start <= end && end <= rows) return;
    throw new ArgumentError(
      `probe ${position} is rows ${start} to ${end}, which is no stretch of the ${rows} rows`,
      { hint: "starts are multiples of 32, and ends lie between them and the number of rows" },
    );
  });
}

function ones(byte: number): number {
  let count = 0;
  for (let bits = byte; bits !== 0; bits &= bits - 1) count++;
  return count;
}
