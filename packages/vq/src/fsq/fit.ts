import {
  ArgumentError,
  batchesOf,
  checkFinite,
  checkMatrix,
  checkReplayable,
  checkSpec,
  type FitOptions,
  type FsqSpec,
  isMatrix,
  type Matrix,
  printSpec,
  Random,
  type Rows,
  sampleRows,
  ShapeError,
  throwIfAborted,
  withRowOffset,
  withSampledRows,
} from "@tessera/core";
import { boundScale, boundSteps } from "./bound.js";
import { FsqModel } from "./model.js";

/** What {@link fitFsqSpec} takes of the options that all parts share. */
export type FsqTraining = Pick<FitOptions, "backend" | "seed" | "sample" | "signal" | "onProgress">;

export interface FitFsqOptions extends FsqTraining {
  /** Number of values in each dimension, 2 to 256; as many numbers as the rows have values. */
  readonly levels: readonly number[];
  /**
   * How values meet the bound. `learned` (the default): each dimension is centred at its mean and scaled by its deviation,
   * and a code decodes to the mean of the training values that have it. `none`: values are bounded as they are, and codes
   * decode to −1..1, as in a network that was trained with FSQ.
   */
  readonly scale?: "learned" | "none" | undefined;
}

/** Rows of a block. Fixed, so that sums do not depend on how a stream is cut. */
const BLOCK_ROWS = 4096;

/**
 * Finite scalar quantization: `fitFsq(rows, { levels: [8, 5, 5, 5] })` is the spec `fsq(8,5,5,5)`. Two passes over the
 * rows; none under `scale` `none`.
 *
 * @param rows `[n, levels.length]`; a stream must be one that can be read again, unless `sample` is set
 * @throws {SpecError} for levels out of range
 * @throws {ShapeError} unless there is a number of levels for each value of a row
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitFsq(rows: Rows, options: FitFsqOptions): Promise<FsqModel> {
  const { levels, scale, ...training } = options;
  return fitFsqSpec(checkSpec({ kind: "fsq", levels, scale }) as FsqSpec, rows, training);
}

/** {@link fitFsq} for a checked spec. */
export async function fitFsqSpec(
  spec: FsqSpec,
  rows: Rows,
  options: FsqTraining,
): Promise<FsqModel> {
  const { sample, seed = 0, signal } = options;
  throwIfAborted(signal);
  if (isMatrix(rows)) checkMatrix(rows);
  if (spec.scale === "none") {
    for await (const batch of batchesOf(rows, 1, signal)) {
      checkWidth(spec, batch);
      return new FsqModel(spec);
    }
    throw new ShapeError("there are no rows to fit on");
  }
  if (sample === undefined) {
    checkReplayable(rows);
    return learn(spec, rows, options);
  }
  if (!Number.isInteger(sample) || sample < 1) {
    throw new ArgumentError(`sample is ${sample}; it must be an integer from 1`);
  }
  const drawn = await sampleRows(rows, sample, new Random(seed).stream("sample"), signal);
  return withSampledRows(drawn, () => learn(spec, drawn.matrix, options));
}

/** Where the values of each dimension lie. */
interface Columns {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

async function learn(spec: FsqSpec, rows: Rows, options: FsqTraining): Promise<FsqModel> {
  const { levels } = spec;
  const { mean, deviation } = await columnsOf(spec, rows, options);
  const row = (data: Float32Array): Matrix => ({ data, rows: 1, cols: data.length });
  const center = row(Float32Array.from(mean));
  // A dimension without spread has all its values at the centre, whatever the scale.
  const scale = row(
    Float32Array.from(deviation, (s, j) => Math.fround(s * boundScale(levels[j]!)) || 1),
  );
  const between = levels.flatMap((count, j) =>
    cellCentres(count).map((z) => center.data[j]! + scale.data[j]! * z),
  );
  const column = (data: Float32Array): Matrix => ({ data, rows: data.length, cols: 1 });
  const values = column(Float32Array.from(between));
  const cells = await cellsOf(new FsqModel(spec, { center, scale, values }), rows, options);
  cells.counts.forEach((count, at) => {
    if (count > 0) values.data[at] = cells.sums[at]! / count;
  });
  const { distortion } = cells;
  return new FsqModel(spec, { center, scale, values }, { distortion });
}

/** What codes without training values decode to, in the bound's units: the middle of their cell, or its only end. */
function cellCentres(levels: number): number[] {
  const steps = boundSteps(levels, false);
  return Array.from(
    { length: levels },
    (_, code) => ((steps[code - 1] ?? steps[0]!) + (steps[code] ?? steps[levels - 2]!)) / 2,
  );
}

/** Mean and deviation of each dimension in one pass, in float64, about the first row. */
async function columnsOf(
  spec: FsqSpec,
  rows: Rows,
  { signal, onProgress }: FsqTraining,
): Promise<Columns> {
  const d = spec.levels.length;
  const first = new Float64Array(d);
  const sums = new Float64Array(d);
  const squares = new Float64Array(d);
  let count = 0;
  for await (const batch of batchesOf(rows, BLOCK_ROWS, signal)) {
    checkWidth(spec, batch);
    await withRowOffset(count, async () => checkFinite(batch));
    if (count === 0) first.set(batch.data.subarray(0, d));
    for (let at = 0; at < batch.data.length; at += d) {
      for (let j = 0; j < d; j++) {
        const value = batch.data[at + j]! - first[j]!;
        sums[j]! += value;
        squares[j]! += value * value;
      }
    }
    count += batch.rows;
    await onProgress?.({ task: "scales", done: count, total: totalOf(rows) });
  }
  if (count === 0) throw new ShapeError("there are no rows to fit on");
  return {
    mean: sums.map((sum, j) => first[j]! + sum / count),
    deviation: squares.map((square, j) =>
      Math.sqrt(Math.max(0, square / count - (sums[j]! / count) ** 2)),
    ),
  };
}

interface Cells {
  /** Of the training values of each code, the codes of one dimension after those of another. */
  readonly sums: Float64Array;
  readonly counts: Float64Array;
  /** Of means as what codes decode to. */
  readonly distortion: number;
}

async function cellsOf(
  model: FsqModel,
  rows: Rows,
  { backend, signal, onProgress }: FsqTraining,
): Promise<Cells> {
  const { levels } = model.spec;
  const d = levels.length;
  const starts = levels.map((_, j) => levels.slice(0, j).reduce((sum, count) => sum + count, 0));
  const size = model.scales!.values.rows;
  const center = model.scales!.center.data;
  const counts = new Float64Array(size);
  const offsets = new Float64Array(size);
  let squares = 0;
  let total = 0;
  for await (const batch of batchesOf(rows, BLOCK_ROWS, signal)) {
    const codes = await withRowOffset(total, () => model.encode(batch, { backend, signal }));
    for (let at = 0; at < batch.data.length; at += d) {
      for (let j = 0; j < d; j++) {
        const offset = batch.data[at + j]! - center[j]!;
        const cell = starts[j]! + codes.data[at + j]!;
        counts[cell]! += 1;
        offsets[cell]! += offset;
        squares += offset * offset;
      }
    }
    total += batch.rows;
    await onProgress?.({ task: "values", done: total, total: totalOf(rows) });
  }
  const sums = new Float64Array(size);
  levels.forEach((count, j) => {
    for (let at = starts[j]!; at < starts[j]! + count; at++) {
      sums[at] = offsets[at]! + counts[at]! * center[j]!;
      if (counts[at]! > 0) squares -= offsets[at]! ** 2 / counts[at]!;
    }
  });
  return { sums, counts, distortion: Math.max(0, squares / total) };
}

function totalOf(rows: Rows): number | undefined {
  return isMatrix(rows) ? rows.rows : undefined;
}

function checkWidth(spec: FsqSpec, { cols }: Matrix): void {
  if (cols === spec.levels.length) return;
  throw new ShapeError(
    `${printSpec(spec)} takes rows of ${spec.levels.length} values; these have ${cols}`,
    {
      hint:
        cols > spec.levels.length
          ? `bring the rows down first, as in pca${spec.levels.length}>${printSpec(spec)}`
          : "give it as many levels as the rows have values",
    },
  );
}
