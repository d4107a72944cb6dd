import { throwIfAborted, type CompleteBackend, type Matrix, type Random } from "@tessera/core";
import type { BlockSource } from "./source.js";

/** Rows that a group draws at most before the distances to them are computed: they are compared with one another. */
const LARGEST_ROUND = 256;

export interface GroupedPlusPlusOptions {
  readonly backend: CompleteBackend;
  /** The rows `[n, groups · d]` on the device. */
  readonly source: BlockSource;
  readonly groups: number;
  /** Rows to choose for each group. */
  readonly count: number;
  readonly random: Random;
  readonly signal: AbortSignal | undefined;
  /** Told how many rows are chosen, over all groups. */
  readonly onChosen: (chosen: number) => unknown;
}

/**
 * Chooses rows by k-means++ (Arthur and Vassilvitskii 2007) in every group at once: each row is drawn with probability D²,
 * its squared distance to the nearest row chosen so far.
 *
 * Rows are drawn in rounds, so that their distances to all others are a few large assignments, which together cost one
 * iteration of k-means. Within a round D² is not yet lowered by the rows drawn before; so a row is kept with probability
 * (true D²) / (D² it was drawn by) only, which makes the draw exact (rejection sampling). A round ends once it turns too
 * many away.
 *
 * @param rows `[n, groups · d]`, finite
 * @returns indices of rows `[groups, count]`; distinct rows in a group unless there are too few
 */
export async function groupedPlusPlus(
  rows: Matrix,
  options: GroupedPlusPlusOptions,
): Promise<Uint32Array> {
  const { backend, source, groups, count, random, signal, onChosen } = options;
  const closest = new Float32Array(rows.rows * groups).fill(Infinity);
  const chosen = Array.from({ length: groups }, (_, m): Chosen => {
    const own = random.stream("group", m);
    return { random: own, rows: [own.integer(rows.rows)], known: 0 };
  });
  while (chosen.some(({ rows }) => rows.length < count)) {
    throwIfAborted(signal);
    const fresh = freshCodebooks(rows, groups, chosen);
    for await (const block of source.blocks()) {
      const { distances } = backend.scope(() => {
        const codebooks = backend.tensor(fresh.data, [groups, fresh.width, rows.cols / groups]);
        return { distances: backend.assign(block.x, codebooks).distances.read() };
      });
      block.release();
      lower(closest, await distances, block.start * groups);
    }
    const cumulative = cumulate(closest, groups);
    chosen.forEach((group, m) => {
      group.known = group.rows.length;
      drawRound(rows, m, groups, cumulative, count, group);
    });
    await onChosen(chosen.reduce((sum, { rows }) => sum + rows.length, 0));
  }
  return Uint32Array.from(chosen.flatMap(({ rows }) => rows));
}

/** What a group has chosen. */
interface Chosen {
  readonly random: Random;
  readonly rows: number[];
  /** How many of the rows the distances already take into account. */
  known: number;
}

/** The rows chosen in the last round as codebooks `[groups, width, d]`; short ones repeat a row. */
function freshCodebooks(
  { data, cols }: Matrix,
  groups: number,
  chosen: readonly Chosen[],
): { data: Float32Array; width: number } {
  const d = cols / groups;
  const width = Math.max(...chosen.map(({ rows, known }) => rows.length - known));
  const fresh = new Float32Array(groups * width * d);
  chosen.forEach(({ rows, known }, m) => {
    for (let j = 0; j < width; j++) {
      const from = (rows[known + j] ?? rows[0]!) * cols + m * d;
      fresh.set(data.subarray(from, from + d), (m * width + j) * d);
    }
  });
  return { data: fresh, width };
}

function lower(closest: Float32Array, distances: Float32Array, start: number): void {
  for (let i = 0; i < distances.length; i++) {
    if (distances[i]! < closest[start + i]!) closest[start + i] = distances[i]!;
  }
}

/** Running sums of D² over the rows, `[groups, n]`. */
function cumulate(closest: Float32Array, groups: number): Float64Array {
  const n = closest.length / groups;
  const cumulative = new Float64Array(closest.length);
  const total = new Float64Array(groups);
  for (let i = 0, at = 0; i < n; i++) {
    for (let m = 0; m < groups; m++) {
      total[m]! += closest[at++]!;
      cumulative[m * n + i] = total[m]!;
    }
  }
  return cumulative;
}

/** Adds rows to a group: as many as half of those it has, fewer if too many are turned away, but at least one. */
function drawRound(
  sample: Matrix,
  m: number,
  groups: number,
  cumulative: Float64Array,
  most: number,
  { random, rows, known }: Chosen,
): void {
  const n = sample.rows;
  const sums = cumulative.subarray(m * n, (m + 1) * n);
  const total = sums[n - 1]!;
  if (!(total > 0)) {
    // All rows coincide with chosen ones. Any row will do for the rest.
    while (rows.length < most) rows.push(random.integer(n));
    return;
  }
  const count = Math.min(most - known, Math.max(1, known >> 1), LARGEST_ROUND);
  for (let tries = 0; rows.length < known + count && tries < 2 * count; tries++) {
    const row = firstAbove(sums, random.uniform() * total);
    const before = sums[row]! - (row > 0 ? sums[row - 1]! : 0);
    const threshold = random.uniform() * before;
    const isNear = rows
      .slice(known)
      .some((other) => squaredDistance(sample, m, groups, row, other) <= threshold);
    if (!isNear) rows.push(row);
  }
}

/** The first index whose cumulative sum exceeds the value, so never one that added nothing. */
function firstAbove(cumulative: Float64Array, value: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function squaredDistance(
  { data, cols }: Matrix,
  m: number,
  groups: number,
  a: number,
  b: number,
): number {
  const d = cols / groups;
  const from = a * cols + m * d;
  const to = b * cols + m * d;
  let sum = 0;
  for (let i = 0; i < d; i++) sum += (data[from + i]! - data[to + i]!) ** 2;
  return sum;
}
