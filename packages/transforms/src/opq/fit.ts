import { resolveBackend } from "@tessera/backend";
import {
  ArgumentError,
  checkReplayable,
  type ComputeBackend,
  type Matrix,
  Random,
  type Rows,
  sampleRows,
  ShapeError,
  symmetricEigen,
  type Tensor,
  withSampledRows,
  type WorkOptions,
} from "@tessera/core";
import { momentsOf } from "../moments.js";
import { RotationTransform } from "../rotation.js";
import { addRow, rowOf, widthOf } from "../rows.js";
import { alternate, type Candidate, type Problem, release, settle } from "./alternate.js";
import { startingCodebooks, startingRotations } from "./start.js";

export interface OpqOptions extends WorkOptions {
  /** Number of groups M of the product quantizer; it must divide the width of the rows. */
  readonly groups: number;
  /** Codewords of each group while the rotation is learned. Default 256. */
  readonly codebookSize?: number | undefined;
  /** Rounds of the alternation at most; 0 keeps the better of the two starts. Default 30. */
  readonly iterations?: number | undefined;
  /** Stop when a round lowers the distortion of held-out rows by no more than this share of it. Default 1e-3. */
  readonly tolerance?: number | undefined;
  /** Learn from at most this many rows, drawn at random. Default 65,536, or 2²⁴ / d if that is fewer. */
  readonly sample?: number | undefined;
  /** Seed of every random choice. Default 0. */
  readonly seed?: number | undefined;
  /** Where to compute. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
}

type OpqRotation = RotationTransform<{ readonly kind: "opq" }>;

const ITERATIONS = 30;
const TOLERANCE = 1e-3;
const SAMPLE_ROWS = 65_536;
const SAMPLE_VALUES = 2 ** 24;
/** Iterations of k-means before the two starts are compared. */
const SETTLING = 4;
/** One row of so many judges what the others have taught; of fewer than twice as many rows, all do both. */
const HELD_OUT = 8;

/**
 * Learns the rotation of optimized product quantization (Ge, He, Ke and Sun 2013, "Optimized product quantization";
 * Norouzi and Fleet 2013, "Cartesian k-means"), which makes the groups of a product quantizer independent of one another
 * and balances their variances.
 *
 * It starts from the better of two rotations: none, and the principal components dealt to the groups so that the products
 * of their variances balance (the parametric solution, best for Gaussian rows). From there it alternates between codebooks
 * and rotation. What counts is the distortion of rows held out: with few rows per codeword the alternation fits the
 * codebooks' accidents, and the start is kept.
 *
 * @param rows `[n, d]`, d a multiple of `groups`; a stream must be one that can be read again
 * @throws {ShapeError} if d is not a multiple
 * @throws {ArgumentError} for an option out of range
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitOpqRotation(rows: Rows, options: OpqOptions): Promise<OpqRotation> {
  const { groups, seed = 0, signal } = options;
  checkOptions(options);
  checkReplayable(rows);
  const d = await widthOf(rows, signal);
  if (d % groups !== 0) {
    throw new ShapeError(`rows of ${d} values do not divide into ${groups} equal groups`, {
      hint: `reduce them to a multiple first: pca${Math.max(1, Math.floor(d / groups)) * groups}>opq…`,
    });
  }
  const most = Math.max(1, Math.min(SAMPLE_ROWS, Math.floor(SAMPLE_VALUES / d)));
  const random = new Random(seed).stream("opq");
  const drawn = await sampleRows(rows, options.sample ?? most, random.stream("sample"), signal);
  return withSampledRows(drawn, () => learn(drawn.matrix, options, random.stream("held out")));
}

async function learn(sample: Matrix, options: OpqOptions, random: Random): Promise<OpqRotation> {
  const { groups, codebookSize = 256, signal, onProgress } = options;
  const { iterations = ITERATIONS, tolerance = TOLERANCE } = options;
  const { cols: d } = sample;
  const backend = await resolveBackend(options.backend);
  const { mean, covariance } = await momentsOf(sample, { backend, signal });
  const eigen = await symmetricEigen(covariance, d, signal);
  const { learned, heldOut } = divide(addRow(sample, rowOf(mean), -1), random);
  const problem: Problem = {
    backend,
    ...backend.scope(() => ({
      x: backend.tensor(learned.data, [learned.rows, d]),
      heldOut: backend.tensor(heldOut.data, [heldOut.rows, d]),
    })),
    signal,
  };
  const size = { groups, codebookSize: Math.min(codebookSize, learned.rows) };
  let best: Candidate | undefined;
  const keepBetter = (next: Candidate): number => {
    const gain = best ? 1 - next.distortion / best.distortion : 1;
    const loser = gain > 0 ? best : next;
    if (gain > 0) best = next;
    if (loser) release(loser);
    return gain;
  };
  try {
    for (const axes of startingRotations(eigen, groups)) {
      keepBetter(await begin(problem, axes, learned, size));
    }
    for (let round = 1; round <= iterations; round++) {
      const gain = keepBetter(await alternate(problem, best!));
      await onProgress?.({
        task: "opq rotation",
        done: round,
        total: iterations,
        figures: { distortion: best!.distortion },
      });
      if (!(gain > tolerance)) break;
    }
    const data = await best!.rotation.read();
    return new RotationTransform({ kind: "opq" }, { data, rows: d, cols: d });
  } finally {
    if (best) release(best);
    problem.x.dispose();
    problem.heldOut.dispose();
  }
}

/** Codebooks for a rotation, from rows drawn at random. */
async function begin(
  problem: Problem,
  axes: Float32Array,
  rows: Matrix,
  size: { readonly groups: number; readonly codebookSize: number },
): Promise<Candidate> {
  const { backend } = problem;
  const rotation = backend.tensor(axes, [rows.cols, rows.cols]);
  let codebooks: Tensor<"float32">;
  try {
    codebooks = await startingCodebooks(backend, rows, rotation, size);
  } catch (error) {
    rotation.dispose();
    throw error;
  }
  return settle(problem, rotation, codebooks, SETTLING).finally(() => codebooks.dispose());
}

/** The rows in random order, in two parts. */
function divide(rows: Matrix, random: Random): { learned: Matrix; heldOut: Matrix } {
  const order = random.permutation(rows.rows);
  const few = rows.rows < 2 * HELD_OUT;
  const held = few ? 0 : Math.floor(rows.rows / HELD_OUT);
  const learned = takeRows(rows, order.subarray(held));
  return { learned, heldOut: few ? learned : takeRows(rows, order.subarray(0, held)) };
}

function takeRows({ data, cols }: Matrix, rows: Uint32Array): Matrix {
  const taken = new Float32Array(rows.length * cols);
  rows.forEach((row, i) => taken.set(data.subarray(row * cols, (row + 1) * cols), i * cols));
  return { data: taken, rows: rows.length, cols };
}

function checkOptions({ groups, codebookSize, iterations, sample }: OpqOptions): void {
  const check = (name: string, value: number | undefined, least: number): void => {
    if (value !== undefined && (!Number.isInteger(value) || value < least)) {
      throw new ArgumentError(`${name} is ${value}; it must be an integer from ${least}`);
    }
  };
  check("groups", groups, 1);
  check("codebookSize", codebookSize, 1);
  check("iterations", iterations, 0);
  check("sample", sample, 1);
}
