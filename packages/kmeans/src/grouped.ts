import { resolveBackend } from "@tessera/backend";
import {
  ArgumentError,
  checkMatrix,
  checkReplayable,
  isMatrix,
  Random,
  ShapeError,
  throwIfAborted,
  type CompleteBackend,
  type ComputeBackend,
  type Rows,
  sampleRows,
  withSampledRows,
  type WorkOptions,
} from "@tessera/core";
import { groupedLloyd, type GroupResult } from "./grouped-lloyd.js";
import { chooseGroupedStart } from "./grouped-start.js";
import { checkEnoughRows, resolveSettings, type Settings } from "./options.js";
import { memorySource, streamSource } from "./source.js";
import { checkSample } from "./start.js";

export interface GroupedKmeansOptions extends WorkOptions {
  /** Number of groups M; it must divide the width of the rows. */
  readonly groups: number;
  /** Number of codewords of each group; at most the number of rows. */
  readonly codebookSize: number;
  /** What computes. Default: `defaultBackend()` of `@tessera/backend`. */
  readonly backend?: ComputeBackend | undefined;
  /** Seed of every random choice, an integer from 0. Default 0. */
  readonly seed?: number | undefined;
  /** Updates of the codebooks at most. 0 keeps the start. Default 25. */
  readonly iterations?: number | undefined;
  /** Independent runs, of which each group keeps its best. Default 1. */
  readonly restarts?: number | undefined;
  /** How the codebooks start: by D² weighting, or at distinct rows. Default `k-means++`. */
  readonly init?: "k-means++" | "random" | undefined;
  /** Rows, drawn at random, that the start is chosen from. Default max(32 · codebookSize, 4096). */
  readonly initRows?: number | undefined;
  /**
   * A group is done when an iteration lowers its objective by no more than this share of it, and it has gone to the means
   * once more. Default 5e-4, which on 65,536 rows and 256 codewords ends below 25 iterations of plain k-means after 15.
   */
  readonly tolerance?: number | undefined;
  /** Fit to this many rows, drawn at random and held in memory. Default: all rows. */
  readonly sample?: number | undefined;
}

export interface GroupedKmeansResult {
  readonly groups: readonly GroupResult[];
  /** Mean over the rows of the squared L2 error, over all groups. */
  readonly distortion: number;
  /** Rows that were fitted to. */
  readonly rows: number;
}

const TOLERANCE = 5e-4;

/**
 * Learns one codebook for each of M groups of columns, as product quantization needs them (Jégou, Douze and Schmid 2011):
 * k-means in every group, all in step, so that a pass over the rows serves all of them.
 *
 * A group's codebook depends on the group's own columns alone, on the seed and on the group's number. A matrix and a
 * stream of the same rows give the same codebooks bit for bit, and so do runs with any number of threads.
 *
 * @param rows `[n, M·d]`, finite, n ≥ `codebookSize`; group m has columns m·d..(m + 1)·d − 1
 * @throws {ArgumentError} for an option out of range, fewer rows than codewords, or a stream that cannot be read again
 * @throws {ShapeError} if the width of the rows is not a multiple of `groups`
 * @throws {NonFiniteError} naming the first row found that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitKmeansGroups(
  rows: Rows,
  options: GroupedKmeansOptions,
): Promise<GroupedKmeansResult> {
  const { groups, init = "k-means++", signal } = options;
  if (!Number.isInteger(groups) || groups < 1) {
    throw new ArgumentError(`groups is ${groups}; it must be an integer from 1`);
  }
  if (init !== "k-means++" && init !== "random") {
    throw new ArgumentError(`init is "${String(init)}"; it must be k-means++ or random`);
  }
  const settings = resolveSettings({
    ...options,
    tolerance: options.tolerance ?? TOLERANCE,
    initRows: options.initRows ?? Math.max(32 * options.codebookSize, 4096),
  });
  throwIfAborted(signal);
  if (isMatrix(rows)) {
    checkMatrix(rows);
    checkGroups(groups, rows.cols);
    checkEnoughRows(settings.codebookSize, rows.rows);
  } else if (settings.sample === undefined) {
    checkReplayable(rows);
  }
  const backend = await resolveBackend(options.backend);
  const random = new Random(settings.seed).stream("grouped k-means");
  if (settings.sample === undefined) return fitGroups(backend, rows, groups, settings, random);
  const drawn = await sampleRows(rows, settings.sample, random.stream("sample"), signal);
  return withSampledRows(drawn, () => fitGroups(backend, drawn.matrix, groups, settings, random));
}

async function fitGroups(
  backend: CompleteBackend,
  rows: Rows,
  groups: number,
  settings: Settings,
  random: Random,
): Promise<GroupedKmeansResult> {
  const { codebookSize, initRows, restarts, signal } = settings;
  const drawn = await sampleRows(rows, initRows, random.stream("start rows"), signal);
  checkEnoughRows(codebookSize, drawn.total);
  const { cols } = drawn.matrix;
  checkGroups(groups, cols);
  checkSample(drawn);
  const source = isMatrix(rows)
    ? memorySource(backend, rows, undefined)
    : streamSource(backend, rows, cols, undefined, signal, codebookSize);
  const run = { backend, source, groups, codebookSize, signal };
  let best: readonly GroupResult[] | undefined;
  try {
    for (let restart = 0; restart < restarts; restart++) {
      const name = restarts === 1 ? "" : `, restart ${restart + 1} of ${restarts}`;
      const start = await chooseGroupedStart(drawn.matrix, settings, {
        backend,
        groups,
        random: random.stream("start", restart),
        task: `k-means++ start${name}`,
      });
      const fitted = await groupedLloyd(run, start, settings, name);
      best = best
        ? best.map((group, m) => (fitted[m]!.objective < group.objective ? fitted[m]! : group))
        : fitted;
    }
  } finally {
    source.dispose();
  }
  const objective = best!.reduce((sum, group) => sum + group.objective, 0);
  return { groups: best!, distortion: objective / drawn.total, rows: drawn.total };
}

/** @throws {ShapeError} naming the numbers of groups that would do */
export function checkGroups(groups: number, cols: number): void {
  if (cols % groups === 0) return;
  throw new ShapeError(`rows of ${cols} values do not divide into ${groups} equal groups`, {
    hint: `with ${cols} values, groups may be ${divisorsNear(cols, groups).join(", ")}`,
  });
}

/** The divisors of `cols` on either side of `groups`, up to four each, in order. */
function divisorsNear(cols: number, groups: number): number[] {
  const divisors: number[] = [];
  for (let g = 1; g <= cols; g++) if (cols % g === 0) divisors.push(g);
  const above = divisors.findIndex((g) => g > groups);
  const from = above < 0 ? divisors.length : above;
  return divisors.slice(Math.max(0, from - 4), from + 4);
}
