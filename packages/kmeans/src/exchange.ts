import { resolveBackend } from "@tessera/backend";
import {
  type ComputeBackend,
  type CompleteBackend,
  type Matrix,
  throwIfAborted,
  type WorkOptions,
} from "@tessera/core";
import { Clusters } from "./clusters.js";
import { openProposals } from "./proposals.js";

export interface ExchangeOptions extends WorkOptions {
  /** Where to compute. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
  /** Most passes over the rows. Default 20. */
  readonly passes?: number | undefined;
  /**
   * Stop when a pass lowers the objective by no more than this share of it; 0 stops when no row moves. Default 2e-3: the
   * passes that this saves serve the training rows alone, not held-out ones.
   */
  readonly tolerance?: number | undefined;
}

export interface ExchangeResult {
  /** The means of the clusters, `[k, d]`. */
  readonly codebook: Matrix;
  /** The cluster of each row. */
  readonly codes: Int32Array;
  /** Σ squared L2 distance of the rows to the mean of their cluster. */
  readonly objective: number;
  /** The objective before the first pass and after each. */
  readonly history: readonly number[];
}

/** More rows per codeword than this, and exchanges no longer gain on Lloyd's algorithm. */
const ROWS_PER_CODEWORD = 128;
/** Rows are held twice over in memory: 256 MiB each. */
const HELD_VALUES = 2 ** 26;
/** Yields between rows are not needed within a block of this many. */
const ROWS_BETWEEN_CHECKS = 4096;

/** Up to how many rows exchanges are worth their while, and their memory. */
export function exchangeRowLimit(codebookSize: number, dimension: number): number {
  return Math.min(ROWS_PER_CODEWORD * codebookSize, Math.floor(HELD_VALUES / dimension));
}

/**
 * Improves a clustering by moving single rows (Hartigan 1975; Hartigan and Wong 1979).
 *
 * Lloyd's algorithm assigns a row to the nearest mean, although the row itself pulls the mean of its own cluster towards
 * it. With few rows per codeword that pull is strong, and Lloyd's algorithm stops far from a good codebook. Taking a row
 * x out of its cluster a lowers the objective by n_a/(n_a − 1)·‖x − c_a‖², and putting it into b raises it by
 * n_b/(n_b + 1)·‖x − c_b‖². A row moves where that is a gain. A clustering without such moves is also one that Lloyd's
 * algorithm would not change, but not the other way round.
 *
 * A pass proposes moves for all rows at once on the device, then goes through the rows in order and makes those moves
 * that still lower the objective, by means kept in float64. So the objective never rises.
 *
 * @param rows `[n, d]`, finite
 * @param codes the cluster of each row to start from, 0..k−1
 * @param start `[k, d]`; of a cluster that stays empty, the codeword is kept
 */
export async function exchangeRefine(
  rows: Matrix,
  codes: Int32Array,
  start: Matrix,
  options: ExchangeOptions = {},
): Promise<ExchangeResult> {
  const { passes = 20, tolerance = 2e-3, signal, onProgress } = options;
  const backend: CompleteBackend = await resolveBackend(options.backend);
  const clusters = new Clusters(rows, codes, start);
  let objective = clusters.objective();
  const history = [objective];
  const result = (): ExchangeResult => ({
    codebook: clusters.codebook(),
    codes: clusters.codes,
    objective: history.at(-1)!,
    history,
  });
  if (start.rows === 1 || objective === 0) return result();
  const proposals = openProposals(backend, rows);
  try {
    while (history.length <= passes) {
      throwIfAborted(signal);
      const counts = clusters.counts.slice();
      const read = await proposals.propose(clusters.codebook(), counts);
      let gained = 0;
      let moves = 0;
      for (let i = 0; i < rows.rows; i++) {
        if (i % ROWS_BETWEEN_CHECKS === 0) throwIfAborted(signal);
        if (!mayGain(clusters.codes[i]!, read, i, counts)) continue;
        const gain = clusters.move(i, read.codes, i * read.width, read.width);
        if (gain > 0) moves++;
        gained += gain;
      }
      // Rounding may take a little more than there was.
      objective = Math.max(0, objective - gained);
      history.push(objective);
      await onProgress?.({
        task: "exchange",
        done: history.length - 1,
        total: passes,
        figures: { objective, moves },
        codebook: clusters.codebook(),
      });
      if (moves === 0 || gained <= tolerance * objective) break;
    }
  } finally {
    proposals.dispose();
  }
  // Summed anew: the running value carries the rounding of every move.
  history[history.length - 1] = clusters.objective();
  return result();
}

/** Whether the device's float32 costs leave open that row i gains by a move; the exact answer comes later. */
function mayGain(
  own: number,
  read: { readonly codes: Int32Array; readonly costs: Float32Array; readonly width: number },
  i: number,
  counts: Float64Array,
): boolean {
  const n = counts[own]!;
  if (n < 2) return false;
  let other = Infinity;
  let leave = Infinity;
  for (let t = i * read.width; t < (i + 1) * read.width; t++) {
    // A proposal costs n/(n + 1)·distance; leaving the own cluster gains n/(n − 1)·distance.
    if (read.codes[t] === own) leave = (read.costs[t]! * (n + 1)) / (n - 1);
    else other = Math.min(other, read.costs[t]!);
  }
  return other < leave;
}
