import { resolveBackend } from "@tessera/backend";
import {
  type FitContext,
  type Matrix,
  Random,
  type ResidualSpec,
  type Rows,
  sampleRows,
  type VqSpec,
  withSampledRows,
} from "@tessera/core";
import { VqModel } from "@tessera/vq";
import { checkBeam } from "./encode.js";
import { leastSquares } from "./joint/least-squares.js";
import { distortions } from "./leftover.js";
import { measured } from "./levels.js";
import { type ResidualFacts, ResidualModel } from "./model.js";

/** Rounds of encoding and least squares where no number is asked for. */
const ROUNDS = 20;
/** A round that gains less than this share is the last one. */
const TOLERANCE = 1e-3;
/** Rows that a codeword's present place counts for: enough to keep codewords without rows. */
const RIDGE = 1;
/** Rows for each codeword that the codebook is learned from. */
const ROWS_PER_CODEWORD = 256;

/** The levels of one codebook: each has it times its own scale. */
export function scaledLevels(codebook: Matrix, scales: readonly number[]): VqModel[] {
  const { rows, cols } = codebook;
  return scales.map(
    (scale) =>
      new VqModel(
        { kind: "vq", codebookSize: rows },
        { data: codebook.data.map((value) => scale * value), rows, cols },
      ),
  );
}

/**
 * One codebook for all levels. It begins as that of the first level, and alternates between encoding and least squares over
 * all levels ({@link leastSquares}). A level's scale is the root mean square of what it quantizes, as a share of the first
 * level's; the round with the least distortion of the training rows is kept.
 */
export async function fitShared(
  spec: ResidualSpec,
  rows: Rows,
  context: FitContext,
): Promise<ResidualModel> {
  const {
    beam = 1,
    iterations = ROUNDS,
    tolerance = TOLERANCE,
    signal,
    onProgress,
  } = context.options;
  checkBeam(beam, []);
  const backend = await resolveBackend(context.options.backend);
  const each = spec.levels[0] as VqSpec;
  const first = (await context.fit(each, rows, "codebook")) as VqModel;
  const most = ROWS_PER_CODEWORD * each.codebookSize;
  const random = new Random(context.seed).stream("shared");
  const drawn = await sampleRows(rows, most, random, signal);
  const { matrix } = drawn;
  const settings: ResidualFacts = beam === 1 ? {} : { beam };
  const judge = async (codebook: Matrix, scales: readonly number[]) => {
    const model = new ResidualModel(scaledLevels(codebook, scales), settings);
    const found = await withSampledRows(drawn, () => distortions(model, matrix, context));
    return { codebook, scales, model, distortions: found };
  };
  const squares = meanSquare(matrix);
  const started = first.facts.distortion ?? squares;
  const ratio = squares > 0 ? Math.min(1, Math.sqrt(started / squares)) : 1;
  let best = await judge(
    first.codebook,
    spec.levels.map((_, l) => ratio ** l),
  );
  let last = best;
  for (let round = 0; round < iterations; round++) {
    const { model, codebook, scales } = last;
    const codes = await model.encode(matrix, { backend, signal });
    const options = { backend, ridge: RIDGE, scales, signal };
    const [moved] = await leastSquares(matrix, codes, [codebook], options);
    last = await judge(moved!, scalesOf(squares, last.distortions));
    const before = best.distortions.at(-1)!;
    const distortion = last.distortions.at(-1)!;
    await onProgress?.({
      task: "shared codebook",
      done: round + 1,
      total: iterations,
      figures: { distortion },
      codebook: last.codebook,
    });
    if (distortion < before) best = last;
    if (!(before - distortion > tolerance * before)) break;
  }
  return measured(best.model.levels, { ...settings, scales: best.scales }, rows, context, {
    shared: true,
  });
}

/** Of each level, the root mean square of what the levels before it left over, as a share of that of the rows. */
function scalesOf(squares: number, distortions: readonly number[]): number[] {
  return distortions.map((_, l) =>
    l === 0 || squares === 0 ? 1 : Math.min(1, Math.sqrt(distortions[l - 1]! / squares)),
  );
}

/** Mean over the rows of the squared norm. */
function meanSquare({ data, rows }: Matrix): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]! * data[i]!;
  return sum / rows;
}
