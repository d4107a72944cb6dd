import { type CompleteBackend, type Matrix, pause, Random } from "@tessera/core";
import { mapToPlane } from "@tessera/transforms";
import { UMAP } from "umap-js";

/** Neighbours of each row that the layout keeps close: the usual number. */
const NEIGHBOURS = 15;
/** Milliseconds between two layouts that are told while it goes on. */
const BETWEEN_LAYOUTS = 60;

/** Share of the rows, at either end of an axis, that may lie far off. */
const FAR = 0.02;

/** A layout of rows on a plane, finished or under way. */
export interface Layout {
  /** `[n, 2]` */
  readonly points: Float32Array;
  readonly done: number;
  readonly total: number;
}

/**
 * Lays rows out by UMAP (McInnes, Healy and Melville 2018): rows that are near to one another stay so, whatever becomes of
 * distances between those that are far. Neighbours are exact, and places begin on the plane of the first two principal
 * components, whose large-scale order the layout keeps (Kobak and Linderman 2021). The same rows give the same layout.
 *
 * @param rows `[n, d]`, n ≥ 2
 */
export async function layOut(
  backend: CompleteBackend,
  rows: Matrix,
  onLayout: (layout: Layout) => void,
): Promise<Layout> {
  const random = new Random(0).stream("umap");
  const neighbours = Math.min(NEIGHBOURS, rows.rows - 1);
  const umap = new UMAP({ nNeighbors: neighbours, random: () => random.uniform() });
  const { codes, distances } = await nearest(backend, rows, neighbours);
  const lists = <T extends Int32Array | Float32Array>(values: T): number[][] =>
    Array.from({ length: rows.rows }, (_, i) => [
      ...values.subarray(i * neighbours, (i + 1) * neighbours),
    ]);
  umap.setPrecomputedKNN(lists(codes), lists(distances.map((d) => Math.sqrt(Math.max(0, d)))));
  // With neighbours known, the rows themselves are only counted.
  const total = umap.initializeFit(Array.from({ length: rows.rows }, () => [0]));
  const places = umap.getEmbedding();
  place(places, (await mapToPlane(rows)).points);
  let told = performance.now();
  for (let done = 0; done < total; done = umap.step()) {
    if (performance.now() - told < BETWEEN_LAYOUTS) continue;
    onLayout({ points: gathered(places), done, total });
    await pause();
    told = performance.now();
  }
  return { points: gathered(places), done: total, total };
}

async function nearest(
  backend: CompleteBackend,
  { data, rows, cols }: Matrix,
  count: number,
): Promise<{ codes: Int32Array; distances: Float32Array }> {
  const found = backend.scope(() => {
    const x = backend.tensor(data, [rows, cols]);
    const { codes, distances } = backend.assignTopK(
      x,
      backend.tensor(data, [1, rows, cols]),
      count,
    );
    return { codes: codes.read(), distances: distances.read() };
  });
  return { codes: await found.codes, distances: await found.distances };
}

/** Moves what UMAP begins with at random to a given start, of the extent that its own would have. */
function place(places: number[][], start: Float32Array): void {
  let extent = 0;
  for (const value of start) extent = Math.max(extent, Math.abs(value));
  places.forEach((at, i) => {
    // A little of the random start remains, so that equal rows can part.
    for (let j = 0; j < 2; j++) {
      at[j] = (10 * start[2 * i + j]!) / (extent || 1) + 0.001 * at[j]!;
    }
  });
}

/** Places as points. Groups that nothing holds drift far off, which says nothing: those stay at the margin of the others. */
function gathered(places: readonly (readonly number[])[]): Float32Array {
  const points = new Float32Array(2 * places.length);
  for (let j = 0; j < 2; j++) {
    const sorted = Float64Array.from(places, (at) => at[j]!).sort();
    const low = sorted[Math.floor(FAR * (sorted.length - 1))]!;
    const high = sorted[Math.ceil((1 - FAR) * (sorted.length - 1))]!;
    const margin = (high - low) / 10;
    places.forEach((at, i) => {
      points[2 * i + j] = Math.min(high + margin, Math.max(low - margin, at[j]!));
    });
  }
  return points;
}
