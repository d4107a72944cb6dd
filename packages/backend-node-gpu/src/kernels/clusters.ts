import { TYPE } from "../addon.js";
import type { Engine, Node } from "../engine.js";
import { checkCodes } from "./codebooks.js";
import { rowsAtATime, type Workspace } from "./workspace.js";

/**
 * Sums of rows by cluster, as the leaves of a binary tree: the rows of a cluster, in their order, are added in pairs, then
 * the sums of pairs, and so on. Which row is added to which follows from the clusters alone, and the additions are
 * operations on whole arrays in float64.
 *
 * @param rows float32 `[n, w]`
 * @param clusters of each row, in 0..count − 1
 * @returns float64 `[count, w]`, 0 for clusters without rows
 */
export function sumByCluster(
  work: Workspace,
  rows: Node,
  clusters: Int32Array,
  count: number,
): Node {
  const { engine } = work;
  const [n, width] = rows.shape as [number, number];
  // Pairs are gathered twice in float32 and once in float64, and added.
  const chunk = rowsAtATime(work, 16 * width);
  let total: Node | undefined;
  for (let start = 0; start < n; start += chunk) {
    const end = Math.min(n, start + chunk);
    [total] = engine.frame(() => {
      const part = sumChunk(
        engine,
        engine.rows(rows, start, end),
        clusters.subarray(start, end),
        count,
      );
      return [total ? engine.op("AddV2", [total, part]) : part];
    });
  }
  return total ?? engine.cast(engine.zeros(TYPE.float32, [count, width]), TYPE.float64);
}

function sumChunk(engine: Engine, rows: Node, clusters: Int32Array, count: number): Node {
  let level = membersOf(clusters, count);
  let values = rows;
  do {
    const { lefts, rights, singles, next } = pairUp(level);
    const pick = (indices: Int32Array): Node =>
      engine.cast(
        engine.take(values, engine.upload(indices, TYPE.int32, [indices.length])),
        TYPE.float64,
      );
    const parts = [
      ...(lefts.length > 0 ? [engine.op("AddV2", [pick(lefts), pick(rights)])] : []),
      ...(singles.length > 0 ? [pick(singles)] : []),
    ];
    values = engine.concat(parts, 0);
    level = next;
  } while (level.members.length > occupied(level));
  // One value is left of each cluster that has rows; a row of zeros stands for the others.
  const places = Int32Array.from({ length: count }, (_, cluster) => {
    const at = level.starts[cluster]!;
    return level.starts[cluster + 1]! > at ? level.members[at]! : values.shape[0]!;
  });
  return engine.take(engine.pad(values, 0, 1), engine.upload(places, TYPE.int32, [count]));
}

/** Members cluster by cluster: those of cluster c are `members[starts[c] .. starts[c + 1]]`. */
interface Level {
  readonly members: Int32Array;
  readonly starts: Int32Array;
}

/** Rows sorted by cluster, in their own order within each. */
function membersOf(clusters: Int32Array, count: number): Level {
  const starts = new Int32Array(count + 1);
  for (const cluster of clusters) starts[cluster + 1]!++;
  for (let c = 0; c < count; c++) starts[c + 1]! += starts[c]!;
  const members = new Int32Array(clusters.length);
  const place = starts.slice();
  clusters.forEach((cluster, row) => {
    members[place[cluster]!++] = row;
  });
  return { members, starts };
}

function occupied({ starts }: Level): number {
  let clusters = 0;
  for (let c = 1; c < starts.length; c++) if (starts[c]! > starts[c - 1]!) clusters++;
  return clusters;
}

/** The pairs of a level and the members without a partner, and the level of their sums: first the pairs, then the others. */
function pairUp({ members, starts }: Level): {
  readonly lefts: Int32Array;
  readonly rights: Int32Array;
  readonly singles: Int32Array;
  readonly next: Level;
} {
  const clusters = starts.length - 1;
  const nextStarts = new Int32Array(clusters + 1);
  let pairs = 0;
  for (let c = 0; c < clusters; c++) {
    const size = starts[c + 1]! - starts[c]!;
    pairs += size >> 1;
    nextStarts[c + 1] = nextStarts[c]! + ((size + 1) >> 1);
  }
  const lefts = new Int32Array(pairs);
  const rights = new Int32Array(pairs);
  const singles = new Int32Array(nextStarts[clusters]! - pairs);
  const next = new Int32Array(nextStarts[clusters]!);
  let pair = 0;
  let single = 0;
  let out = 0;
  for (let c = 0; c < clusters; c++) {
    let at = starts[c]!;
    for (const end = starts[c + 1]!; at + 1 < end; at += 2) {
      lefts[pair] = members[at]!;
      rights[pair] = members[at + 1]!;
      next[out++] = pair++;
    }
    if (at < starts[c + 1]!) {
      singles[single] = members[at]!;
      next[out++] = pairs + single++;
    }
  }
  return { lefts, rights, singles, next: { members: next, starts: nextStarts } };
}

/**
 * The statistics of k-means.
 *
 * @param x `[n, g, d]`
 * @param codes `[n, g]`
 * @param weights `[n]`
 * @returns sums `[g, k, d]`, counts `[g, k]`
 */
export function clusterSums(
  work: Workspace,
  x: Node,
  codes: Node,
  codewords: number,
  weights: Node | undefined,
): { readonly sums: Node; readonly counts: Node } {
  const { engine } = work;
  const [rows, groups, dimension] = x.shape as [number, number, number];
  const chosen = engine.download(codes) as Int32Array;
  checkCodes(chosen, groups, codewords);
  const clusters = chosen.map((code, s) => (s % groups) * codewords + code);
  const count = groups * codewords;
  const weighted = weights ? withWeights(engine, x, weights) : x;
  const width = weighted.shape[2]!;
  const sums = engine.cast(
    sumByCluster(work, engine.reshape(weighted, [rows * groups, width]), clusters, count),
    TYPE.float32,
  );
  if (!weights) {
    const counts = new Float32Array(count);
    for (const cluster of clusters) counts[cluster]!++;
    return {
      sums: engine.reshape(sums, [groups, codewords, dimension]),
      counts: engine.upload(counts, TYPE.float32, [groups, codewords]),
    };
  }
  const columns = (begin: number, size: number): Node =>
    engine.op("Slice", [sums, engine.ints([0, begin]), engine.ints([count, size])]);
  return {
    sums: engine.reshape(columns(0, dimension), [groups, codewords, dimension]),
    counts: engine.reshape(columns(dimension, 1), [groups, codewords]),
  };
}

/** Rows times their weights, with the weight as a last column: `[n, g, d + 1]`. */
function withWeights(engine: Engine, x: Node, weights: Node): Node {
  const [rows, groups] = x.shape as [number, number, number];
  const column = engine.reshape(weights, [rows, 1, 1]);
  const each = engine.op("BroadcastTo", [column, engine.ints([rows, groups, 1])]);
  return engine.concat([engine.op("Mul", [x, column]), each], 2);
}
