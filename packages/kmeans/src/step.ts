import { resolveBackend } from "@tessera/backend";
import {
  isMatrix,
  NonFiniteError,
  ShapeError,
  type CompleteBackend,
  type ComputeBackend,
  type Matrix,
  type Rows,
  type Tensor,
  pause,
} from "@tessera/core";
import {
  checkCodebook,
  checkMetric,
  checkWeightCount,
  checkWeights,
  type KmeansMetric,
} from "./options.js";
import { assignPass, disposePass } from "./pass.js";
import {
  blockRows,
  checkWidth,
  memorySource,
  streamSource,
  type Block,
  type BlockSource,
} from "./source.js";
import type { KmeansStatistics } from "./statistics.js";

export interface KmeansStepOptions {
  /** What computes; of a tensor, the backend that made it. Default: `defaultBackend()` of `@tessera/backend`. */
  readonly backend?: ComputeBackend | undefined;
  /** Weight of each row, finite and not negative. Default 1 each. */
  readonly weights?: Float32Array | undefined;
  /** What nearest means. Default `l2`. */
  readonly metric?: KmeansMetric | undefined;
  /** Stops the step with an `AbortedError`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The assignment half of one iteration of k-means: assigns rows to codewords and returns what the update needs. With
 * {@link reduceStatistics} and {@link updateCentroids} it makes k-means over shards that no one machine holds.
 *
 * @param rows `[n, cols]`, in memory, as a stream, or on the device; n may be 0
 * @param codebook `[k, cols]`
 * @throws {ShapeError} if rows, weights and codebook do not fit together
 * @throws {NonFiniteError} naming a row, or a codeword, that is not finite
 */
export async function kmeansStep(
  rows: Rows | Tensor<"float32">,
  codebook: Matrix,
  options: KmeansStepOptions = {},
): Promise<KmeansStatistics> {
  const { weights, metric = "l2", signal } = options;
  checkMetric(metric);
  checkCodebook(codebook, "codebook");
  if (weights) checkWeights(weights);
  const backend = await resolveBackend(options.backend);
  const source = sourceOf(backend, rows, codebook.cols, weights, signal);
  try {
    const pass = await assignPass({ backend, source, metric, signal }, codebook);
    disposePass(pass);
    return pass.statistics;
  } finally {
    source.dispose();
  }
}

function sourceOf(
  backend: CompleteBackend,
  rows: Rows | Tensor<"float32">,
  cols: number,
  weights: Float32Array | undefined,
  signal: AbortSignal | undefined,
): BlockSource<Block> {
  if ("dtype" in rows) return tensorSource(backend, rows, cols, weights);
  if (!isMatrix(rows)) return streamSource(backend, rows, cols, weights, signal);
  checkWidth(rows, cols);
  checkWeightCount(weights, rows.rows);
  return memorySource(backend, rows, weights);
}

/** Rows that are on the device already, in the same blocks as ever. */
function tensorSource(
  backend: CompleteBackend,
  tensor: Tensor<"float32">,
  cols: number,
  weights: Float32Array | undefined,
): BlockSource<Block> {
  const [rows, width] = tensor.shape;
  if (tensor.shape.length !== 2 || width !== cols) {
    throw new ShapeError(
      `rows are [${tensor.shape.join(", ")}] but codewords have ${cols} columns`,
    );
  }
  checkWeightCount(weights, rows!);
  return {
    cols,
    weights,
    matrix: undefined,
    async *blocks() {
      const size = blockRows(cols);
      for (let start = 0; start < rows!; start += size) {
        await pause();
        const end = Math.min(rows!, start + size);
        const { x, w } = backend.scope(() => ({
          x: backend.slice(tensor, start, end),
          w: weights && backend.tensor(weights.subarray(start, end), [end - start]),
        }));
        yield {
          x,
          weights: w,
          start,
          rows: end - start,
          release: () => {
            x.dispose();
            w?.dispose();
          },
        };
      }
    },
    explain: (error, start) => (error instanceof NonFiniteError ? error.shifted(start) : error),
    dispose: () => undefined,
  };
}
