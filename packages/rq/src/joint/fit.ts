import { resolveBackend } from "@tessera/backend";
import {
  checkFinite,
  type FitContext,
  type Matrix,
  type Model,
  pq,
  type Progress,
  Random,
  type ResidualSpec,
  type Rows,
  sampleRows,
  transformed,
  type VqSpec,
  withSampledRows,
} from "@tessera/core";
import type { VqModel } from "@tessera/vq";
import { checkBeam } from "../encode.js";
import { measured } from "../levels.js";
import { ResidualModel } from "../model.js";
import { additiveCodebooks, type Codebooks, coarseToFine, vqLevels } from "./codebooks.js";
import {
  judge,
  type Judged,
  refine,
  type Refinement,
  type RefineOptions,
  repeat,
} from "./refine.js";

/** Candidates of a beam where none are asked for: codebooks that overlap are searched badly without one. */
const BEAM = 8;
/**
 * Rows for each codeword that the codebooks are tuned by. More teach nothing; with 256, codebooks that were learned from
 * more rows than that came out worse.
 */
const ROWS_PER_CODEWORD = 1024;
/** For a few codewords no fewer than these, so that one row in {@link HELD_OUT} can tell codebooks apart by a few per mille. */
const LEAST_ROWS = 32_768;
/** Values of those rows, held in memory: 256 MiB; */
const SAMPLE_VALUES = 2 ** 26;
/** but no fewer rows for each codeword than these. */
const LEAST_ROWS_PER_CODEWORD = 256;
/** One row of so many judges what the others have taught; with too few rows for that, all do both. */
const HELD_OUT = 8;

/** What refinement starts from. */
export type JointStart = "rq" | "pq" | "opq";

/**
 * Additive quantization: residual codebooks, or under `start=best` also product codebooks, plain and rotated, tuned together
 * by {@link refine}. One row of a sample in eight decides which start is best and how many rounds help it.
 */
export async function fitJoint(
  spec: ResidualSpec,
  rows: Rows,
  outer: FitContext,
): Promise<ResidualModel> {
  const { beam = BEAM, signal } = outer.options;
  checkBeam(beam, []);
  const context = { ...outer, options: { ...outer.options, beam } };
  const backend = await resolveBackend(context.options.backend);
  const sizes = spec.levels.map((level) => (level as VqSpec).codebookSize);
  const random = new Random(context.seed).stream("joint");
  const largest = Math.max(...sizes);
  const most = (cols: number): number =>
    Math.max(
      LEAST_ROWS_PER_CODEWORD * largest,
      Math.min(Math.max(ROWS_PER_CODEWORD * largest, LEAST_ROWS), Math.floor(SAMPLE_VALUES / cols)),
    );
  const drawn = await sampleRows(rows, most, random.stream("sample"), signal);
  const { matrix } = drawn;
  const options = { backend, beam, context };
  await withSampledRows(drawn, async () => checkFinite(matrix));
  const parts = divide(matrix, largest, random.stream("held out"));
  const isMany = drawn.total > drawn.matrix.rows || drawn.total >= ROWS_PER_CODEWORD * largest;
  const { start, codebooks, ridges } = isMany
    ? await bestOfMany(spec, rows, parts, options)
    : await bestOfFew(spec, matrix, parts, options);
  const facts = { beam, start, rounds: ridges.length };
  return measured(vqLevels(codebooks), facts, rows, context, spec);
}

interface Parts {
  readonly learned: Matrix;
  readonly heldOut: Matrix;
}

interface Trial extends Refinement {
  readonly start: JointStart;
}

type TrialOptions = Omit<RefineOptions, "onRound">;

/**
 * Many rows, a thousand for each codeword or more than the sample holds: starts are fitted to all of them, as they would be
 * alone, and the best is taken, refined by the sample or as it is.
 *
 * The rows that decide are new to refinement, while the starts have seen them among many others. That little is in favour
 * of the starts: refinement is kept only where it wins all the same.
 */
async function bestOfMany(
  spec: ResidualSpec,
  rows: Rows,
  parts: Parts,
  options: TrialOptions,
): Promise<Trial> {
  const fit = (start: JointStart): Promise<Model> =>
    fitStart(start, spec, rows, "", options.context);
  return (await refineStarts(spec, parts, fit, options))[0]!;
}

/**
 * With fewer rows every one counts. Starts and refinements are tried without the rows that decide; then the best trial's start
 * and rounds are made anew with all rows, and the rounds are dropped if the start is better without them. If it all
 * is worse, on rows that it has now learned from, than the trial that has not, its start was unlucky, and the next
 * trial's gets its turn; if all are, the best trial itself is the result.
 *
 * Starts are not compared on rows that they have learned: with few rows per codeword the one that fits them most closely
 * would win, not the one that serves others best.
 */
async function bestOfFew(
  spec: ResidualSpec,
  rows: Matrix,
  parts: Parts,
  options: TrialOptions,
): Promise<Trial> {
  const { context } = options;
  const fit = (start: JointStart): Promise<Model> =>
    fitStart(start, spec, parts.learned, `trial.${start}`, context);
  const trials = await refineStarts(spec, parts, fit, options);
  const best = trials[0]!;
  for (const { start, ridges } of trials) {
    const begun = await codebooksOf(await fitStart(start, spec, rows, "", context));
    const codebooks = await repeat(begun, rows, ridges, {
      ...options,
      onRound: reporter(context, `${start}: refinement`),
    });
    const plain = await judge(begun, parts.heldOut, options);
    const refined = await judge(codebooks, parts.heldOut, options);
    if (Math.min(plain, refined) > best.distortion) continue;
    return refined < plain
      ? { start, codebooks, ridges, distortion: refined }
      : { start, codebooks: begun, ridges: [], distortion: plain };
  }
  return best;
}

/** Refines every start that there is; the best first. The best is no worse on the held-out rows than any start was. */
async function refineStarts(
  spec: ResidualSpec,
  { learned, heldOut }: Parts,
  fit: (start: JointStart) => Promise<Model>,
  options: TrialOptions,
): Promise<Trial[]> {
  const { context } = options;
  const judged: (Judged & { readonly start: JointStart })[] = [];
  for (const start of startsOf(spec, learned.cols)) {
    const codebooks = await codebooksOf(await fit(start));
    judged.push({ start, codebooks, distortion: await judge(codebooks, heldOut, options) });
  }
  // The likely winner first, so that the others give up sooner.
  judged.sort((a, b) => a.distortion - b.distortion);
  const trials: Trial[] = [];
  for (const begun of judged) {
    const { start } = begun;
    const best = Math.min(...trials.map(({ distortion }) => distortion));
    const refined = await refine(begun, learned, heldOut, best, {
      ...options,
      onRound: reporter(context, `${start}: trial refinement`),
    });
    trials.push({ ...refined, start });
  }
  return trials.sort((a, b) => a.distortion - b.distortion);
}

/** Products first: where their part is missing, that shows before anything else is fitted. */
function startsOf({ start, levels }: ResidualSpec, cols: number): readonly JointStart[] {
  return start === "best" && cols % levels.length === 0 ? ["opq", "pq", "rq"] : ["rq"];
}

function fitStart(
  start: JointStart,
  spec: ResidualSpec,
  rows: Rows,
  name: string,
  context: FitContext,
): Promise<Model> {
  const { beam, onProgress } = context.options;
  const changes = {
    onProgress:
      onProgress &&
      ((progress: Progress) => onProgress({ ...progress, task: `${start}: ${progress.task}` })),
  };
  const { levels } = spec;
  if (start === "rq")
    return context.fit({ kind: "residual", levels }, rows, name, { ...changes, beam });
  const product = pq(levels.length, (levels[0] as VqSpec).codebookSize);
  return context.fit(
    start === "pq" ? product : transformed({ kind: "opq" }, product),
    rows,
    name,
    changes,
  );
}

async function codebooksOf(model: Model): Promise<Codebooks> {
  return model instanceof ResidualModel
    ? model.levels.map((level) => (level as VqModel).codebook)
    : coarseToFine(await additiveCodebooks(model));
}

/** Rows in random order, in two parts; all of them in both, if the first part had fewer than `least`. */
function divide(rows: Matrix, least: number, random: Random): Parts {
  const held = Math.floor(rows.rows / HELD_OUT);
  if (held === 0 || rows.rows - held < least) return { learned: rows, heldOut: rows };
  const order = random.permutation(rows.rows);
  return {
    learned: takeRows(rows, order.subarray(held)),
    heldOut: takeRows(rows, order.subarray(0, held)),
  };
}

function takeRows({ data, cols }: Matrix, rows: Uint32Array): Matrix {
  const taken = new Float32Array(rows.length * cols);
  rows.forEach((row, i) => taken.set(data.subarray(row * cols, (row + 1) * cols), i * cols));
  return { data: taken, rows: rows.length, cols };
}

function reporter({ options: { onProgress } }: FitContext, task: string) {
  return (done: number, total: number, distortion?: number): unknown =>
    onProgress?.({
      task,
      done,
      total,
      ...(distortion !== undefined && { figures: { distortion } }),
    });
}
