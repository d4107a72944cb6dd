import {
  pause,
  throwIfAborted,
  type CompleteBackend,
  type Matrix,
  type Random,
} from "@tessera/core";
import { groupedPass } from "./grouped-pass.js";
import { groupedPlusPlus } from "./grouped-plus-plus.js";
import { mergeClusters } from "./merge.js";
import type { Settings } from "./options.js";
import { memorySource } from "./source.js";

/** More clusters than this are not merged: the time grows with their square. */
const MOST_MERGED = 2048;

export interface GroupedStart {
  readonly backend: CompleteBackend;
  readonly groups: number;
  readonly random: Random;
  /** What its progress is reported as. */
  readonly task: string;
}

/**
 * The first codebooks, chosen from a sample of the rows: distinct rows at random, or by k-means++.
 *
 * k-means++ as it stands draws some clusters twice and misses others. So twice as many rows are drawn as there are to be
 * codewords, and the clusters that they make are merged, pair by pair.
 *
 * @param sample `[n, groups · d]`, finite rows, n ≥ `codebookSize`
 * @returns `[groups, codebookSize, d]`
 */
export async function chooseGroupedStart(
  sample: Matrix,
  { codebookSize, init, signal, onProgress }: Settings,
  { backend, groups, random, task }: GroupedStart,
): Promise<Float32Array> {
  if (init === "random") {
    const chosen = Array.from({ length: groups }, (_, m) =>
      random.stream("group", m).sample(sample.rows, codebookSize),
    );
    return slices(sample, chosen);
  }
  const wanted = 2 * codebookSize <= MOST_MERGED ? 2 * codebookSize : codebookSize;
  const count = Math.min(wanted, sample.rows);
  const source = memorySource(backend, sample, undefined);
  try {
    const drawn = await groupedPlusPlus(sample, {
      backend,
      source,
      groups,
      count,
      random,
      signal,
      onChosen: (done) => onProgress?.({ task, done, total: groups * count }),
    });
    const rows = Array.from({ length: groups }, (_, m) =>
      drawn.subarray(m * count, (m + 1) * count),
    );
    const codebooks = slices(sample, rows);
    if (count === codebookSize) return codebooks;
    const statistics = await groupedPass(
      { backend, source, groups, codebookSize: count, signal },
      codebooks,
    );
    const size = codebooks.length / groups;
    const merged: Float32Array[] = [];
    for (const [m, group] of statistics.entries()) {
      await pause();
      throwIfAborted(signal);
      const clusters = codebooks.subarray(m * size, (m + 1) * size);
      merged.push(mergeClusters(group, clusters, codebookSize));
    }
    return concatenate(merged);
  } finally {
    source.dispose();
  }
}

/** Slices of rows: for each group those that it has chosen. */
function slices({ data, cols }: Matrix, chosen: readonly Uint32Array[]): Float32Array {
  const d = cols / chosen.length;
  return concatenate(
    chosen.map((rows, m) => {
      const codebook = new Float32Array(rows.length * d);
      rows.forEach((row, j) => {
        const from = row * cols + m * d;
        codebook.set(data.subarray(from, from + d), j * d);
      });
      return codebook;
    }),
  );
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const size = parts[0]!.length;
  const joined = new Float32Array(parts.length * size);
  parts.forEach((part, m) => joined.set(part, m * size));
  return joined;
}
