import type { Matrix } from "@tessera/core";
import { groupedPass, groupRun, type GroupedRun } from "./grouped-pass.js";
import { isSmallChange } from "./lloyd.js";
import type { KmeansStop, Settings } from "./options.js";
import { repairedUpdate } from "./repair.js";
import { updateCentroids, type KmeansStatistics } from "./statistics.js";

/** What was learned of one group. */
export interface GroupResult {
  /** `[codebookSize, d]` */
  readonly codebook: Matrix;
  /** Σ squared L2 distance of the rows' slices to their codewords in `codebook`. */
  readonly objective: number;
  /** Number of rows of each codeword. */
  readonly counts: Float64Array;
  /** Updates of the codebook. */
  readonly iterations: number;
  /** The objective of the start and after each iteration, the last of them `objective`. */
  readonly history: readonly number[];
  /** Why it ended: `tolerance` reached, `iterations` used up, or `converged`, when another iteration changes nothing. */
  readonly stopped: KmeansStop;
}

/** Share of the way to its mean that a codeword goes; see {@link groupedLloyd}. Beyond 2 the objective could rise. */
const STEP = 1.8;

/** Where a group stands. Once it has stopped, its codebook and so its statistics stay what they are. */
interface Group {
  readonly codebook: Matrix;
  readonly history: number[];
  /** Rows of each codeword at the last update. */
  counts: Float64Array | undefined;
  stopped: KmeansStop | undefined;
  /** What the last update did: went to the means, beyond them, or moved a codeword to a row that it served badly. */
  update: "means" | "beyond" | "moved";
  /** Nothing is left to gain but by ending on the means. */
  settling: boolean;
}

/**
 * Lloyd's algorithm (1982) in all groups at once, from given codebooks: assign, update, and again. It ends on an
 * assignment, so that objectives and counts belong to the codebooks that are returned.
 *
 * A codeword goes beyond the mean of its rows, by 1.8 times the way there (Lee, Baek and Sung 1997, "Modified K-means
 * algorithm for vector quantizer design"). For a given assignment the objective is a parabola about the means, so this
 * lowers it for any step below 2; and as means keep moving on in the direction that they came from, it gets ahead of them.
 * It takes half the iterations to the same objective, and ends at a lower one. The last update of all ends on the means.
 *
 * @param codebooks `[groups, codebookSize, d]`; changed in place
 */
export async function groupedLloyd(
  run: GroupedRun,
  codebooks: Float32Array,
  { iterations, tolerance, onProgress }: Pick<Settings, "iterations" | "tolerance" | "onProgress">,
  name: string,
): Promise<GroupResult[]> {
  const size = codebooks.length / run.groups;
  let statistics = await groupedPass(run, codebooks);
  const groups = statistics.map(({ codebookSize, cols, objective }, m): Group => ({
    // A view: what is written here is what the next pass assigns to.
    codebook: {
      data: codebooks.subarray(m * size, (m + 1) * size),
      rows: codebookSize,
      cols,
    },
    history: [objective],
    stopped: undefined,
    counts: undefined,
    update: "means",
    settling: false,
  }));
  const report = (done: number): unknown =>
    onProgress?.({
      task: `k-means of ${run.groups} groups${name}`,
      done,
      total: iterations,
      figures: { objective: statistics.reduce((sum, { objective }) => sum + objective, 0) },
    });
  await report(0);
  for (let iteration = 1; iteration <= iterations; iteration++) {
    for (const [m, group] of groups.entries()) {
      if (!group.stopped) await updateGroup(run, m, group, statistics[m]!, iteration < iterations);
    }
    if (groups.every(({ stopped }) => stopped)) break;
    statistics = await groupedPass(run, codebooks);
    groups.forEach((group, m) => {
      if (group.stopped) return;
      const before = group.history.at(-1)!;
      const { objective } = statistics[m]!;
      group.history.push(objective);
      // A codeword that has just been moved has yet to find its place.
      if (group.update === "moved" || !isSmallChange(before, objective, tolerance)) return;
      if (group.update === "means") group.stopped = "tolerance";
      else group.settling = true;
    });
    await report(iteration);
  }
  return groups.map(({ codebook, history, stopped = "iterations" }, m) => ({
    codebook: { ...codebook, data: codebook.data.slice() },
    objective: history.at(-1)!,
    counts: statistics[m]!.counts.slice(),
    iterations: history.length - 1,
    history,
    stopped,
  }));
}

async function updateGroup(
  run: GroupedRun,
  m: number,
  group: Group,
  statistics: KmeansStatistics,
  mayGoBeyond: boolean,
): Promise<void> {
  const { codebook } = group;
  const { counts } = statistics;
  // No squared distance is below 0.
  if (statistics.objective === 0) {
    group.stopped = "converged";
    return;
  }
  // Where no row changes its codeword there is nothing to get ahead of.
  const isSettled = group.settling || counts.every((count, j) => count === group.counts?.[j]);
  group.counts = counts;
  if (counts.includes(0)) {
    const repaired = await repairedUpdate(groupRun(run, m), codebook, { statistics, kept: [] });
    group.update = repaired.moved ? "moved" : "means";
    replace(group, repaired.codebook);
    return;
  }
  const means = updateCentroids(statistics, codebook);
  group.update = mayGoBeyond && !isSettled ? "beyond" : "means";
  if (group.update === "beyond") {
    for (const [i, before] of codebook.data.entries()) {
      means.data[i] = before + STEP * (means.data[i]! - before);
    }
  }
  replace(group, means);
}

/** Puts another codebook in the place of a group's; the same one has the same assignment, and so for ever. */
function replace(group: Group, { data }: Matrix): void {
  if (data.every((value, i) => value === group.codebook.data[i])) group.stopped = "converged";
  group.codebook.data.set(data);
}
