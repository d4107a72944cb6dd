import type { KmeansStatistics } from "./statistics.js";

/**
 * Merges clusters pair by pair until `count` are left: always those two whose merging raises the objective least, by
 * n_a·n_b/(n_a + n_b)·‖c_a − c_b‖² (Ward 1963; Equitz 1989, "pairwise nearest neighbour"). Clusters without rows go
 * first. Takes time proportional to the square of the number of clusters.
 *
 * The cheapest partner of each cluster is kept. When that partner merges, its cost stays as a lower bound, for what merges
 * gets no cheaper to any third; it is found anew only once it seems the cheapest of all (Kaukoranta, Fränti and
 * Nevalainen 2000).
 *
 * @param statistics of at least `count` clusters
 * @param codebook `[codebookSize, cols]`, where clusters without rows lie
 * @returns the centroids `[count, cols]`
 */
export function mergeClusters(
  statistics: KmeansStatistics,
  codebook: Float32Array,
  count: number,
): Float32Array {
  const { codebookSize, cols, counts, sums } = statistics;
  const indices = Array.from({ length: codebookSize }, (_, i) => i);
  const used = indices.filter((i) => counts[i]! > 0);
  const spare = indices.filter((i) => counts[i] === 0);
  const kept = [...used, ...spare.slice(0, Math.max(0, count - used.length))];
  const means = new Float64Array(kept.length * cols);
  kept.forEach((i, at) => {
    for (let j = 0; j < cols; j++) {
      means[at * cols + j] =
        counts[i]! > 0 ? sums[i * cols + j]! / counts[i]! : codebook[i * cols + j]!;
    }
  });
  const weights = Float64Array.from(kept, (i) => counts[i]!);
  const left = kept.length === count ? kept.keys() : mergePairs(means, weights, count);
  const centroids = new Float32Array(count * cols);
  let at = 0;
  for (const i of left) centroids.set(means.subarray(i * cols, (i + 1) * cols), cols * at++);
  return centroids;
}

/** Stands for a partner that has merged since. */
const UNKNOWN = -1;

/**
 * @param means `[n, cols]`, and @param weights `[n]`, more than 0 each; where clusters merge, the first is changed
 * @returns the clusters that are left, in order
 */
function mergePairs(means: Float64Array, weights: Float64Array, count: number): Int32Array {
  let left = weights.length;
  const cols = means.length / left;
  const alive = Int32Array.from(weights.keys());
  const partner = new Int32Array(left);
  const cost = new Float64Array(left).fill(Infinity);

  const offer = (i: number, j: number, value: number): void => {
    if (value >= cost[i]!) return;
    cost[i] = value;
    partner[i] = j;
  };
  const findPartner = (i: number): void => {
    cost[i] = Infinity;
    for (let at = 0; at < left; at++) {
      const j = alive[at]!;
      if (j === i) continue;
      const factor = mergeFactor(weights, i, j);
      offer(i, j, factor * squaredDistance(means, cols, i, j, cost[i]! / factor));
    }
  };
  /** The cluster whose merging costs least, or would if its bound were its cost. */
  const cheapest = (): number => {
    let best = alive[0]!;
    for (let at = 1; at < left; at++) if (cost[alive[at]!]! < cost[best]!) best = alive[at]!;
    return best;
  };

  for (let i = 1; i < left; i++) {
    for (let j = 0; j < i; j++) {
      const factor = mergeFactor(weights, i, j);
      const most = Math.max(cost[i]!, cost[j]!) / factor;
      const value = factor * squaredDistance(means, cols, i, j, most);
      offer(i, j, value);
      offer(j, i, value);
    }
  }
  while (left > count) {
    let a = cheapest();
    while (partner[a] === UNKNOWN) {
      findPartner(a);
      a = cheapest();
    }
    const b = partner[a]!;
    const share = weights[b]! / (weights[a]! + weights[b]!);
    for (let p = a * cols, q = b * cols; p < (a + 1) * cols; p++, q++) {
      means[p]! += share * (means[q]! - means[p]!);
    }
    weights[a]! += weights[b]!;
    alive.copyWithin(alive.indexOf(b), alive.indexOf(b) + 1, left--);
    for (let at = 0; at < left; at++) {
      const i = alive[at]!;
      if (partner[i] === a || partner[i] === b) partner[i] = UNKNOWN;
    }
    findPartner(a);
  }
  return alive.subarray(0, left);
}

function mergeFactor(weights: Float64Array, i: number, j: number): number {
  return (weights[i]! * weights[j]!) / (weights[i]! + weights[j]!);
}

/** ‖a − b‖² of two rows; of a sum that reaches `most`, what was added up by then. */
function squaredDistance(
  rows: Float64Array,
  cols: number,
  a: number,
  b: number,
  most: number,
): number {
  const end = (a + 1) * cols;
  let sum = 0;
  for (let p = a * cols, q = b * cols; p < end && sum < most;) {
    for (const stop = Math.min(end, p + 8); p < stop; p++, q++) {
      const difference = rows[p]! - rows[q]!;
      sum += difference * difference;
    }
  }
  return sum;
}
