import { type Matrix, ShapeError } from "@tessera/core";
import type { Chunk } from "./chunk.js";
import { distanceOf } from "./metric.js";
import type { ExactRows } from "./options.js";
import { pickCodes } from "./plan.js";
import type { SearchTask } from "./search/task.js";
import { mapQueries } from "./space.js";

/** What a search found first: `[queries, count]` each, nearest first. */
export interface Candidates {
  readonly count: number;
  readonly indices: Int32Array;
  readonly ids: Float64Array;
  readonly distances: Float32Array;
}

/**
 * Distances of the candidates from rows as they were, or from decoded ones, in float64.
 *
 * @returns `[queries, count]`
 * @throws {ShapeError} if the rows given are not those of the ids
 */
export async function rescoreCandidates(
  task: SearchTask,
  { indices, ids, count }: Candidates,
  exact: ExactRows | undefined,
): Promise<Float32Array> {
  const { queries, metric, plan } = task;
  const slots = new Map<number, number>();
  const wanted: number[] = [];
  indices.forEach((place, at) => {
    if (place < 0 || slots.has(place)) return;
    slots.set(place, wanted.length);
    wanted.push(at);
  });
  const rows = exact
    ? await exactRows(
        exact,
        Float64Array.from(wanted, (at) => ids[at]!),
        plan.model.dimension,
      )
    : await decodePlaces(
        task,
        wanted.map((at) => indices[at]!),
      );
  const { cols } = queries;
  return Float32Array.from(indices, (place, at) => {
    if (place < 0) return Infinity;
    const q = Math.floor(at / count);
    const start = slots.get(place)! * cols;
    return distanceOf(metric, queries.data, q * cols, rows.data, start, cols);
  });
}

async function exactRows(exact: ExactRows, ids: Float64Array, cols: number): Promise<Matrix> {
  if (typeof exact === "function") {
    const rows = await exact(ids);
    if (rows.rows !== ids.length || rows.cols !== cols) {
      throw new ShapeError(
        `${ids.length} exact rows of ${cols} values were asked for, and [${rows.rows}, ${rows.cols}] given`,
      );
    }
    return rows;
  }
  if (exact.cols !== cols) {
    throw new ShapeError(`the exact rows have ${exact.cols} values; the index has rows of ${cols}`);
  }
  const data = new Float32Array(ids.length * cols);
  ids.forEach((id, i) => {
    if (id >= exact.rows) {
      throw new ShapeError(`there are ${exact.rows} exact rows, and none for id ${id}`, {
        hint: "row i must be that of id i; or give a function of the ids",
      });
    }
    data.set(exact.data.subarray(id * cols, (id + 1) * cols), i * cols);
  });
  return { data, rows: ids.length, cols };
}

async function decodePlaces(task: SearchTask, places: readonly number[]): Promise<Matrix> {
  const { plan, backend, signal } = task;
  const { model } = plan;
  const data = new Float32Array(places.length * model.dimension);
  await eachPlace(task, places, async (chunk, own, slots) => {
    const rows = await model.decode(pickCodes(plan, chunk, own), { backend, signal });
    slots.forEach((slot, i) => {
      const row = rows.data.subarray(i * model.dimension, (i + 1) * model.dimension);
      data.set(row, slot * model.dimension);
    });
  });
  return { data, rows: places.length, cols: model.dimension };
}

/** Some places, chunk by chunk: those in the chunk, and their positions among all. */
async function eachPlace(
  { chunks, firsts }: SearchTask,
  places: readonly number[],
  body: (chunk: Chunk, own: Uint32Array, slots: readonly number[]) => Promise<void>,
): Promise<void> {
  for (const [index, source] of chunks.entries()) {
    const first = firsts[index]!;
    const slots: number[] = [];
    places.forEach((place, slot) => {
      if (place >= first && place < first + source.size) slots.push(slot);
    });
    if (slots.length === 0) continue;
    const own = Uint32Array.from(slots, (slot) => places[slot]! - first);
    await body(await source.load(), own, slots);
  }
}

/**
 * Whether no row beyond the candidates can be among the k nearest: the last candidate's estimate, less the widest bound
 * of all rows, is no less than the k-th least upper bound of a candidate.
 */
export async function boundsHold(
  task: SearchTask,
  { indices, distances, count }: Candidates,
  k: number,
  epsilon: number,
): Promise<boolean> {
  const { plan, queries, metric, backend, signal, chunks } = task;
  const mapped = await mapQueries(plan.space, queries, metric, { backend, signal });
  const weight = metric === "l2" ? 2 : 1;
  const widest = chunks.reduce((most, { deviation }) => Math.max(most, deviation), 0);
  const places = [...new Set(indices)].filter((place) => place >= 0);
  const deviations = new Map<number, number>();
  await eachPlace(task, places, async (chunk, own, slots) => {
    const factors = plan.estimator!.factors(plan.layout.pick(chunk.stored, own));
    slots.forEach((slot, i) => deviations.set(places[slot]!, factors.deviations[i]!));
  });
  const { data, cols } = mapped.rows;
  for (let q = 0; q < queries.rows; q++) {
    const last = (q + 1) * count - 1;
    // Fewer rows than candidates: none is left out.
    if (indices[last]! < 0) continue;
    let square = 0;
    for (let j = q * cols; j < (q + 1) * cols; j++) square += data[j]! ** 2;
    const width = epsilon * weight * Math.sqrt(square);
    const uppers: number[] = [];
    for (let at = q * count; at <= last; at++) {
      uppers.push(distances[at]! + width * deviations.get(indices[at]!)!);
    }
    const limit = uppers.sort((a, b) => a - b)[k - 1]!;
    if (distances[last]! - width * widest < limit) return false;
  }
  return true;
}
