import { throwIfAborted, type CompleteBackend, type Matrix, type Tensor } from "@tessera/core";
import type { KmeansMetric } from "./options.js";
import type { Block, BlockSource } from "./source.js";
import { addInto, emptyStatistics, type KmeansStatistics } from "./statistics.js";

/** What it takes to assign rows. */
export interface PassRun {
  readonly backend: CompleteBackend;
  readonly source: BlockSource<Block>;
  readonly metric: KmeansMetric;
  readonly signal: AbortSignal | undefined;
}

/** What it takes to fit a codebook to rows. */
export interface Run extends PassRun {
  readonly source: BlockSource;
  readonly spherical: boolean;
}

/** One assignment of all rows. */
export interface Pass {
  readonly statistics: KmeansStatistics;
  /** Codes and distances of each block, where the rows are in memory; else empty. */
  readonly kept: readonly KeptBlock[];
}

interface KeptBlock {
  readonly codes: Tensor<"int32">;
  readonly distances: Float32Array;
}

export function disposePass(pass: Pass): void {
  for (const block of pass.kept) block.codes.dispose();
}

/**
 * Assigns all rows to their codewords and adds up what {@link updateCentroids} needs.
 *
 * One block is enqueued ahead of the one being read, so the device does not wait for the host. Block sums are added in
 * row order in float64.
 */
export async function assignPass(run: PassRun, codebook: Matrix): Promise<Pass> {
  const { backend, source, metric, signal } = run;
  const k = codebook.rows;
  const total = emptyStatistics(k, source.cols);
  let { objective, rows, weight } = total;
  const kept: KeptBlock[] = [];
  const opened: Tensor[] = [];
  const codewords = backend.tensor(codebook.data, [1, k, codebook.cols]);

  const fold = async (block: PendingBlock): Promise<void> => {
    const [distances, sums, counts] = await block.reads.catch((error: unknown) => {
      throw source.explain(error, block.start);
    });
    const weights = source.weights?.subarray(block.start, block.start + block.rows);
    addInto(total.sums, sums);
    addInto(total.counts, counts);
    objective += weightedSum(distances, weights);
    weight += weights === undefined ? block.rows : weightedSum(weights);
    rows += block.rows;
    if (block.codes) kept.push({ codes: block.codes, distances });
  };

  try {
    let ahead: PendingBlock | undefined;
    for await (const block of source.blocks()) {
      let next: PendingBlock;
      try {
        throwIfAborted(signal);
        next = enqueue(backend, block, codewords, metric, source.matrix !== undefined);
      } finally {
        block.release();
      }
      if (next.codes) opened.push(next.codes);
      if (ahead) await fold(ahead);
      ahead = next;
    }
    if (ahead) await fold(ahead);
    throwIfAborted(signal);
  } catch (error) {
    for (const tensor of opened) tensor.dispose();
    throw error;
  } finally {
    codewords.dispose();
  }
  return { statistics: { ...total, objective, rows, weight }, kept };
}

interface PendingBlock {
  readonly start: number;
  readonly rows: number;
  readonly codes: Tensor<"int32"> | undefined;
  /** Distances, sums and counts. */
  readonly reads: Promise<[Float32Array, Float32Array, Float32Array]>;
}

function enqueue(
  backend: CompleteBackend,
  block: Block,
  codewords: Tensor<"float32">,
  metric: KmeansMetric,
  keepCodes: boolean,
): PendingBlock {
  const k = codewords.shape[1]!;
  return backend.scope(() => {
    const { codes, distances } = backend.assign(block.x, codewords, { metric });
    const { sums, counts } = backend.clusterSums(block.x, codes, k, block.weights);
    const reads = Promise.all([distances.read(), sums.read(), counts.read()]);
    // Whoever awaits this may be stopped by an earlier block's error first; that must not leave a rejection unhandled.
    reads.catch(() => undefined);
    return { start: block.start, rows: block.rows, codes: keepCodes ? codes : undefined, reads };
  });
}

/** A block of rows on the host with their assignment. */
export interface AssignedBlock {
  readonly host: Matrix;
  readonly start: number;
  readonly codes: Int32Array;
  readonly distances: Float32Array;
}

/** The assignment of a pass, row by row on the host; of a stream it is computed again, which gives the same bits. */
export async function* assignedBlocks(
  run: Run,
  codebook: Matrix,
  pass: Pass,
): AsyncGenerator<AssignedBlock, void, undefined> {
  const { backend, source, metric, signal } = run;
  let index = 0;
  for await (const block of source.blocks()) {
    const { host, start } = block;
    const kept = pass.kept[index++];
    let reads: Promise<[Int32Array, Float32Array]>;
    try {
      throwIfAborted(signal);
      reads = kept
        ? Promise.all([kept.codes.read(), kept.distances])
        : assignAgain(backend, block, codebook, metric);
    } finally {
      block.release();
    }
    const [codes, distances] = await reads;
    yield { host, start, codes, distances };
  }
}

function assignAgain(
  backend: CompleteBackend,
  block: Block,
  codebook: Matrix,
  metric: KmeansMetric,
): Promise<[Int32Array, Float32Array]> {
  return backend.scope(() => {
    const codewords = backend.tensor(codebook.data, [1, codebook.rows, codebook.cols]);
    const { codes, distances } = backend.assign(block.x, codewords, { metric });
    // In an object, since a scope takes a promise for a mistake.
    return { reads: Promise.all([codes.read(), distances.read()]) };
  }).reads;
}

/** The codes of all rows of a pass over memory. */
export async function readCodes(pass: Pass): Promise<Int32Array> {
  const parts = await Promise.all(pass.kept.map((block) => block.codes.read()));
  const codes = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    codes.set(part, at);
    at += part.length;
  }
  return codes;
}

function weightedSum(values: Float32Array, weights?: Float32Array): number {
  let sum = 0;
  if (weights === undefined) for (let i = 0; i < values.length; i++) sum += values[i]!;
  else for (let i = 0; i < values.length; i++) sum += weights[i]! * values[i]!;
  return sum;
}
