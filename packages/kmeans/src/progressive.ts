import { type Matrix, sliceRows } from "@tessera/core";
import { lloyd } from "./lloyd.js";
import { disposePass, type Run } from "./pass.js";
import { principalDirections, project, turnBack } from "./principal.js";
import { memorySource } from "./source.js";
import { normalizeRows } from "./statistics.js";

/** Steps from one dimension to all; the last of them is the fit that starts from here. */
const STEPS = 10;
/** Updates in each step at most, as in faiss. */
const UPDATES_PER_STEP = 10;

export interface ProgressiveOptions {
  /** Chooses the first codebook among rows that have a few dimensions left. */
  readonly begin: (rows: Matrix) => Promise<Matrix>;
  /** Told the number of dimensions after each step. */
  readonly onStep?: ((dimensions: number) => unknown) | undefined;
}

/**
 * A codebook by progressive dimensions, as faiss starts its residual quantizers (`ProgressiveDimClustering`): the rows are
 * turned to their principal directions, k-means runs on the leading few, and each step takes in more of them, starting
 * from the codewords of the step before with zeros added. So the wide directions are divided first, and the narrow
 * ones refine them.
 *
 * The number of dimensions grows geometrically, ⌊d^(i/10)⌋. The last step, in all d, is left to the caller's own fit.
 *
 * @param run rows in memory; under `l2` they are taken about their mean, under `ip` about the origin
 */
export async function progressive(run: Run, options: ProgressiveOptions): Promise<Matrix> {
  const { backend, source, metric, spherical } = run;
  const { begin, onStep } = options;
  const rows = source.matrix!;
  const widths = widthsOf(rows.cols);
  if (widths.length === 0) return begin(rows);
  const mean = metric === "l2" ? meanOf(rows, source.weights) : new Float32Array(rows.cols);
  const centred = shifted(rows, mean);
  const all = await principalDirections(scaledByWeight(centred, source.weights), run);
  const directions = sliceRows(all, 0, widths.at(-1)!);
  const coordinates = await project(centred, directions, run);
  let codebook: Matrix | undefined;
  for (const width of widths) {
    const leading = withColumns(coordinates, width);
    const start = codebook ? withColumns(codebook, width) : await begin(leading);
    const few = memorySource(backend, leading, source.weights);
    try {
      const fitted = await lloyd({ ...run, source: few }, start, {
        iterations: UPDATES_PER_STEP,
        tolerance: 1e-3,
      });
      disposePass(fitted.pass);
      codebook = fitted.codebook;
    } finally {
      few.dispose();
    }
    await onStep?.(width);
  }
  const turned = shifted(await turnBack(codebook!, directions, run), mean, 1);
  if (spherical) normalizeRows(turned);
  return turned;
}

/** ⌊d^(i/10)⌋ for i = 1..9, each number once and below d. */
function widthsOf(cols: number): number[] {
  const widths = new Set<number>();
  for (let i = 1; i < STEPS; i++) widths.add(Math.floor(cols ** (i / STEPS)));
  widths.delete(cols);
  return [...widths];
}

/** The leading columns; zeros where there are too few. */
function withColumns({ data, rows, cols }: Matrix, width: number): Matrix {
  const taken = new Float32Array(rows * width);
  const kept = Math.min(cols, width);
  for (let i = 0; i < rows; i++) {
    taken.set(data.subarray(i * cols, i * cols + kept), i * width);
  }
  return { data: taken, rows, cols: width };
}

function meanOf({ data, rows, cols }: Matrix, weights: Float32Array | undefined): Float32Array {
  const mean = new Float64Array(cols);
  let total = 0;
  for (let i = 0, at = 0; i < rows; i++) {
    const weight = weights?.[i] ?? 1;
    total += weight;
    for (let c = 0; c < cols; c++) mean[c]! += weight * data[at++]!;
  }
  return Float32Array.from(mean, (sum) => (total > 0 ? sum / total : 0));
}

function shifted({ data, rows, cols }: Matrix, by: Float32Array, sign: 1 | -1 = -1): Matrix {
  return { data: data.map((value, at) => value + sign * by[at % cols]!), rows, cols };
}

/** √w·x, all divided by one number, so that their squares add up to 1 whatever the unit of the rows. */
function scaledByWeight({ data, rows, cols }: Matrix, weights: Float32Array | undefined): Matrix {
  let squares = 0;
  for (let at = 0; at < data.length; at++) {
    squares += (weights?.[Math.floor(at / cols)] ?? 1) * data[at]! * data[at]!;
  }
  const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  const scaled = data.map(
    (value, at) => value * scale * Math.sqrt(weights?.[Math.floor(at / cols)] ?? 1),
  );
  return { data: scaled, rows, cols };
}
