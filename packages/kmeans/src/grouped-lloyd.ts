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

/** Where a group stands. Once it has stopped, its codebook and so its statistics stay what they are. */
interface Group {
  readonly codebook: Matrix;
  readonly history: number[];
  stopped: KmeansStop | undefined;
  /** A codeword has just been moved to a row that its codeword served badly. */
  moved: boolean;
}

/**
 * Lloyd's algorithm (1982) in all groups at once, from given codebooks: assign, update, and again. It ends on an
 * assignment, so that objectives and counts belong to the codebooks that are returned.
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
    moved: false,
  }));
  const report = (done: number): void =>
    onProgress?.({
      task: `k-means of ${run.groups} groups${name}`,
      done,
      total: iterations,
      figures: { objective: statistics.reduce((sum, { objective }) => sum + objective, 0) },
    });
  report(0);
  for (let iteration = 1; iteration <= iterations; iteration++) {
    for (const [m, group] of groups.entries()) {
      if (!group.stopped) await updateGroup(run, m, group, statistics[m]!);
    }
    if (groups.every(({ stopped }) => stopped)) break;
    statistics = await groupedPass(run, codebooks);
    groups.forEach((group, m) => {
      if (group.stopped) return;
      const before = group.history.at(-1)!;
      const { objective } = statistics[m]!;
      group.history.push(objective);
      // A codeword that has just been moved has yet to find its place.
      if (!group.moved && isSmallChange(before, objective, tolerance)) group.stopped = "tolerance";
    });
    report(iteration);
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
): Promise<void> {
  const { codebook } = group;
  // No squared distance is below 0.
  if (statistics.objective === 0) {
    group.stopped = "converged";
    return;
  }
  const next = statistics.counts.includes(0)
    ? await repairedUpdate(groupRun(run, m), codebook, { statistics, kept: [] })
    : { codebook: updateCentroids(statistics, codebook), moved: false };
  // The same codebook has the same assignment, and so for ever.
  if (next.codebook.data.every((value, i) => value === codebook.data[i])) {
    group.stopped = "converged";
  }
  codebook.data.set(next.codebook.data);
  group.moved = next.moved;
}
