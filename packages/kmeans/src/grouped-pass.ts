import { sliceColumns, throwIfAborted, type CompleteBackend } from "@tessera/core";
import type { Run } from "./pass.js";
import type { BlockSource, HostBlock } from "./source.js";
import { addInto, type KmeansStatistics } from "./statistics.js";

export interface GroupedRun {
  readonly backend: CompleteBackend;
  /** Rows `[n, groups · d]`. */
  readonly source: BlockSource;
  readonly groups: number;
  readonly codebookSize: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Assigns all rows to their codewords in every group, and adds up the statistics of each group. One block is enqueued
 * ahead of the one being read; block sums are added in row order in float64.
 *
 * @param codebooks `[groups, codebookSize, d]`
 */
export async function groupedPass(
  run: GroupedRun,
  codebooks: Float32Array,
): Promise<KmeansStatistics[]> {
  const { backend, source, groups, codebookSize, signal } = run;
  const d = source.cols / groups;
  const sums = new Float64Array(groups * codebookSize * d);
  const counts = new Float64Array(groups * codebookSize);
  const objectives = new Float64Array(groups);
  let rows = 0;
  const codewords = backend.tensor(codebooks, [groups, codebookSize, d]);
  const fold = async ({ start, count, reads }: PendingBlock): Promise<void> => {
    const [distances, blockSums, blockCounts] = await reads.catch((error: unknown) => {
      throw source.explain(error, start);
    });
    addInto(sums, blockSums);
    addInto(counts, blockCounts);
    for (let i = 0, at = 0; i < count; i++) {
      for (let m = 0; m < groups; m++) objectives[m]! += distances[at++]!;
    }
    rows += count;
  };
  try {
    let ahead: PendingBlock | undefined;
    for await (const block of source.blocks()) {
      let next: PendingBlock;
      try {
        throwIfAborted(signal);
        next = enqueue(backend, block, codewords);
      } finally {
        block.release();
      }
      if (ahead) await fold(ahead);
      ahead = next;
    }
    if (ahead) await fold(ahead);
    throwIfAborted(signal);
  } finally {
    codewords.dispose();
  }
  return Array.from({ length: groups }, (_, m) => ({
    codebookSize,
    cols: d,
    sums: sums.subarray(m * codebookSize * d, (m + 1) * codebookSize * d),
    counts: counts.subarray(m * codebookSize, (m + 1) * codebookSize),
    objective: objectives[m]!,
    rows,
    weight: rows,
  }));
}

interface PendingBlock {
  readonly start: number;
  readonly count: number;
  /** Distances, sums and counts. */
  readonly reads: Promise<[Float32Array, Float32Array, Float32Array]>;
}

function enqueue(
  backend: CompleteBackend,
  { x, start, rows }: HostBlock,
  codewords: Parameters<CompleteBackend["assign"]>[1],
): PendingBlock {
  return backend.scope(() => {
    const { codes, distances } = backend.assign(x, codewords);
    const { sums, counts } = backend.clusterSums(x, codes, codewords.shape[1]!);
    const reads = Promise.all([distances.read(), sums.read(), counts.read()]);
    // Whoever awaits this may be stopped by an earlier block's error first; that must not leave a rejection unhandled.
    reads.catch(() => undefined);
    return { start, count: rows, reads };
  });
}

/** One group's slice of the rows as rows of their own. */
export function groupRun({ backend, source, groups, signal }: GroupedRun, group: number): Run {
  const d = source.cols / groups;
  return {
    backend,
    metric: "l2",
    spherical: false,
    signal,
    source: {
      cols: d,
      weights: undefined,
      matrix: undefined,
      async *blocks() {
        for await (const block of source.blocks()) {
          const host = sliceColumns(block.host, group * d, (group + 1) * d);
          block.release();
          const x = backend.tensor(host.data, [host.rows, d]);
          yield { ...block, x, host, release: () => x.dispose() };
        }
      },
      explain: (error, start) => source.explain(error, start),
      dispose: () => undefined,
    },
  };
}
