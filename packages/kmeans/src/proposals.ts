import { type CompleteBackend, type Matrix, sliceRows, type Tensor } from "@tessera/core";

/** For each row, the cheapest clusters to be in. */
export interface ProposalBatch {
  /** `[n, width]`, cheapest first. */
  readonly codes: Int32Array;
  /** n_b/(n_b + 1)·‖x − c_b‖² of each, in a unit of its own, to float32's accuracy. */
  readonly costs: Float32Array;
  readonly width: number;
}

export interface Proposals {
  propose(codebook: Matrix, counts: Float64Array): Promise<ProposalBatch>;
  dispose(): void;
}

/** The own cluster is often among the cheapest; this leaves two others. */
const WIDTH = 3;
const BLOCK_VALUES = 2 ** 24;

/**
 * Proposes clusters by the cost of entering them, w·‖x − c‖² with w = n/(n + 1). That is one inner product of longer
 * vectors, (x, ‖x‖², 1) and (−2w·c, w, w·‖c‖²), so a plain `assignTopK` finds the cheapest.
 *
 * Rows are centred and scaled to a mean square of 1, so that the sum loses no digits to a common offset and the squares of
 * squares stay within float32.
 */
export function openProposals(backend: CompleteBackend, rows: Matrix): Proposals {
  const { cols } = rows;
  const wide = cols + 2;
  const { centre, scale } = centreAndScale(rows);
  const size = Math.max(1, Math.floor(BLOCK_VALUES / wide));
  const blocks: Tensor<"float32">[] = [];
  for (let start = 0; start < rows.rows; start += size) {
    const block = sliceRows(rows, start, Math.min(rows.rows, start + size));
    const data = new Float32Array(block.rows * wide);
    for (let i = 0; i < block.rows; i++) {
      const to = i * wide;
      data[to + cols] = copyCentred(block.data, i * cols, data, to, cols, centre, scale);
      data[to + cols + 1] = 1;
    }
    blocks.push(backend.borrow(data, [block.rows, wide]));
  }

  return {
    async propose(codebook, counts) {
      const width = Math.min(WIDTH, codebook.rows);
      const weighted = weightedCodewords(codebook, counts, centre, scale);
      const results = backend.scope(() => {
        const codebooks = backend.tensor(weighted, [1, codebook.rows, wide]);
        return blocks.map((block) => backend.assignTopK(block, codebooks, width, { metric: "ip" }));
      });
      const reads = Promise.all(
        results.map(({ codes, distances }) => Promise.all([codes.read(), distances.read()])),
      );
      for (const { codes, distances } of results) {
        codes.dispose();
        distances.dispose();
      }
      const parts = await reads;
      const codes = new Int32Array(rows.rows * width);
      const costs = new Float32Array(rows.rows * width);
      parts.forEach(([partCodes, partCosts], b) => {
        codes.set(partCodes, b * size * width);
        costs.set(partCosts, b * size * width);
      });
      return { codes, costs, width };
    },
    dispose: () => blocks.forEach((block) => block.dispose()),
  };
}

/**
 * The codewords as they multiply rows: `ip` looks for the largest product, so the signs are turned. An empty cluster
 * weighs 0: entering it costs nothing.
 */
function weightedCodewords(
  codebook: Matrix,
  counts: Float64Array,
  centre: Float64Array,
  scale: number,
): Float32Array {
  const { data, cols } = codebook;
  const wide = cols + 2;
  const weighted = new Float32Array(codebook.rows * wide);
  for (let c = 0; c < codebook.rows; c++) {
    const to = c * wide;
    const weight = counts[c]! / (counts[c]! + 1);
    const norm = copyCentred(data, c * cols, weighted, to, cols, centre, scale);
    for (let j = 0; j < cols; j++) weighted[to + j]! *= 2 * weight;
    weighted[to + cols] = -weight;
    weighted[to + cols + 1] = -weight * norm;
  }
  return weighted;
}

/** Writes (x − centre)·scale and returns its squared norm. */
function copyCentred(
  from: Float32Array,
  at: number,
  to: Float32Array,
  start: number,
  cols: number,
  centre: Float64Array,
  scale: number,
): number {
  let norm = 0;
  for (let j = 0; j < cols; j++) {
    const value = (from[at + j]! - centre[j]!) * scale;
    to[start + j] = value;
    norm += value * value;
  }
  return norm;
}

/** The mean row, and one over the root of the mean squared distance to it; 1 if that is 0. */
function centreAndScale(rows: Matrix): { centre: Float64Array; scale: number } {
  const { data, cols } = rows;
  const centre = new Float64Array(cols);
  for (let i = 0; i < rows.rows; i++) {
    for (let j = 0; j < cols; j++) centre[j]! += data[i * cols + j]!;
  }
  for (let j = 0; j < cols; j++) centre[j]! /= rows.rows;
  let squares = 0;
  for (let i = 0; i < rows.rows; i++) {
    for (let j = 0; j < cols; j++) squares += (data[i * cols + j]! - centre[j]!) ** 2;
  }
  return { centre, scale: squares > 0 ? Math.sqrt(rows.rows / squares) : 1 };
}
