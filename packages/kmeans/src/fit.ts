import { resolveBackend } from "@tessera/backend";
import {
  checkMatrix,
  checkReplayable,
  isMatrix,
  Random,
  throwIfAborted,
  type CompleteBackend,
  type Matrix,
  type Rows,
  type RowSample,
  sampleRows,
} from "@tessera/core";
import { lloyd, type Fitted } from "./lloyd.js";
import { miniBatch, type BatchInput } from "./mini-batch.js";
import { fitOnce } from "./once.js";
import {
  checkEnoughRows,
  checkSomeWeight,
  checkWeightCount,
  isReplayable,
  resolveSettings,
  type KmeansOptions,
  type KmeansResult,
  type Settings,
} from "./options.js";
import { assignPass, disposePass, readCodes, type Run } from "./pass.js";
import { pick } from "./pick.js";
import { checkWidth, memorySource, streamSource } from "./source.js";
import { checkSample, chooseStart } from "./start.js";
import { normalizeRows } from "./statistics.js";

/**
 * Learns a codebook by k-means: Lloyd's algorithm (1982) from a k-means++ start, or mini-batches (Sculley 2010).
 *
 * A matrix and a stream of the same rows give the same codebook bit for bit, however the stream is cut; so do runs with
 * any number of threads. A stream is read once for the start and once for each iteration, in memory for `initRows` rows
 * and two blocks of {@link blockRows}; one that can be read only once needs `miniBatch` or `sample`. A matrix is used where
 * it is if the backend can; it must not change until the fit has ended.
 *
 * @param rows `[n, cols]`, finite, n ≥ `codebookSize`
 * @throws {ArgumentError} for an option out of range, fewer rows than codewords, or a stream that cannot be read again
 * @throws {ShapeError} if weights or a given start do not fit the rows
 * @throws {NonFiniteError} naming the first row found that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitKmeans(rows: Rows, options: KmeansOptions): Promise<KmeansResult> {
  const settings = resolveSettings(options);
  const { codebookSize, weights, sample, signal } = settings;
  throwIfAborted(signal);
  if (isMatrix(rows)) {
    checkMatrix(rows);
    checkEnoughRows(codebookSize, rows.rows);
    checkWeightCount(weights, rows.rows);
  } else if (sample === undefined && settings.miniBatch === undefined) {
    checkReplayable(rows);
  }
  checkSomeWeight(weights);
  const backend = await resolveBackend(options.backend);
  const random = new Random(settings.seed).stream("k-means");
  if (sample !== undefined) {
    const drawn = await sampleRows(rows, sample, random.stream("sample"), signal);
    checkEnoughRows(codebookSize, drawn.total);
    checkWeightCount(weights, drawn.total);
    const { indices } = drawn;
    const input = {
      rows: drawn.matrix,
      weights: pick(weights, indices),
      rowOf: (row: number) => indices?.[row] ?? row,
    };
    checkSomeWeight(input.weights);
    return fitAgain(backend, input, settings, random, isMatrix(rows) && indices === undefined);
  }
  if (!isReplayable(rows)) return fitOnce(backend, rows, settings, random);
  const input = { rows, weights, rowOf: (row: number) => row };
  return fitAgain(backend, input, settings, random, isMatrix(rows));
}

/** Fits to rows that can be read again and again. */
async function fitAgain(
  backend: CompleteBackend,
  input: BatchInput,
  settings: Settings,
  random: Random,
  wantCodes: boolean,
): Promise<KmeansResult> {
  const { codebookSize, metric, spherical, signal, restarts } = settings;
  const { rows, weights, rowOf } = input;
  const { cols, startOf } = await prepareStart(backend, input, settings, random);
  const source = isMatrix(rows)
    ? memorySource(backend, rows, weights, rowOf)
    : streamSource(backend, rows, cols, weights, signal, codebookSize);
  const run: Run = { backend, source, metric, spherical, signal };
  let best: Fitted | undefined;
  try {
    for (let restart = 0; restart < restarts; restart++) {
      const start = await startOf(random.stream("start", restart));
      const name = restarts === 1 ? "" : `, restart ${restart + 1} of ${restarts}`;
      const fitted =
        settings.miniBatch === undefined
          ? await refine(run, start, settings, name)
          : await learnInBatches(
              run,
              input,
              start,
              settings,
              random.stream("batches", restart),
              name,
            );
      const better = !best || fitted.pass.statistics.objective < best.pass.statistics.objective;
      const worse = better ? best : fitted;
      if (better) best = fitted;
      if (worse) disposePass(worse.pass);
    }
    const { pass, ...rest } = best!;
    const { objective, weight, counts } = pass.statistics;
    return {
      ...rest,
      objective,
      distortion: objective / weight,
      counts,
      codes: wantCodes ? await readCodes(pass) : undefined,
    };
  } finally {
    if (best) disposePass(best.pass);
    source.dispose();
  }
}

/** The width of the rows, and the start of each run. */
async function prepareStart(
  backend: CompleteBackend,
  { rows, weights, rowOf }: BatchInput,
  settings: Settings,
  random: Random,
): Promise<{ cols: number; startOf: (random: Random) => Promise<Matrix> }> {
  const { init, initRows, codebookSize, spherical, signal } = settings;
  if (typeof init === "object") {
    if (isMatrix(rows)) checkWidth(rows, init.cols);
    const start = { ...init, data: init.data.slice() };
    if (spherical) normalizeRows(start);
    return { cols: init.cols, startOf: () => Promise.resolve(start) };
  }
  const drawn: RowSample = await sampleRows(rows, initRows, random.stream("start rows"), signal);
  checkEnoughRows(codebookSize, drawn.total);
  checkWeightCount(weights, drawn.total);
  checkSample(drawn, rowOf);
  const drawnWeights = pick(weights, drawn.indices);
  return {
    cols: drawn.matrix.cols,
    startOf: (random) => chooseStart(backend, init, drawn.matrix, drawnWeights, settings, random),
  };
}

function refine(run: Run, start: Matrix, settings: Settings, name: string): Promise<Fitted> {
  const { iterations, tolerance, onProgress } = settings;
  return lloyd(run, start, {
    iterations,
    tolerance,
    onIteration: (done, codebook, objective) =>
      onProgress?.({
        task: `k-means${name}`,
        done,
        total: iterations,
        figures: { objective },
        codebook,
      }),
  });
}

async function learnInBatches(
  run: Run,
  input: BatchInput,
  start: Matrix,
  settings: Settings,
  random: Random,
  name: string,
): Promise<Fitted> {
  const task = `mini-batch k-means${name}`;
  const { codebook, history, stopped } = await miniBatch(run, input, start, settings, random, task);
  const pass = await assignPass(run, codebook);
  return {
    codebook,
    pass,
    iterations: history.length,
    history: [...history, pass.statistics.objective],
    stopped,
  };
}
