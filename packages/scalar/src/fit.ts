import {
  ArgumentError,
  batchesOf,
  checkMatrix,
  checkSpec,
  type FitOptions,
  isMatrix,
  type Matrix,
  Random,
  type Rows,
  sampleRows,
  ShapeError,
  type SqSpec,
  throwIfAborted,
  withSampledRows,
} from "@tessera/core";
import { CellCodec } from "./cells.js";
import type { ScalarCodec } from "./codec.js";
import { type Cells, equalMassCells, nearestCells } from "./equal-mass.js";
import { lloydMaxLevels, uniformLoading } from "./gaussian.js";
import { HalfCodec } from "./half.js";
import { ScalarModel } from "./model.js";
import { optimalRange } from "./optimal.js";
import { normalRange, quantileRange, type Range, stepsOf } from "./range.js";
import { ScaledCodec } from "./scaled.js";
import { fromSortedColumns } from "./sorted-columns.js";
import { type PassOptions, statisticsOf } from "./statistics.js";
import { UniformCodec } from "./uniform.js";

/** What {@link fitSpec} takes of the options that all parts share. */
export type ScalarTraining = Pick<FitOptions, "seed" | "sample" | "signal" | "onProgress">;

export interface FitScalarOptions extends ScalarTraining {
  /** Bits per dimension: 1, 2, 4, 6 or 8. Default 8; `fp16` and `bf16` have 16. */
  readonly bits?: number | undefined;
  /**
   * Where levels lie. `uniform` (the default): evenly over a range. `quantile`: in cells of equally many values.
   * `lloydmax`: where they are best for normal values of the same mean and deviation. `fp16`, `bf16`: the floats of 16
   * bits.
   */
  readonly levels?: "uniform" | "quantile" | "lloydmax" | "fp16" | "bf16" | undefined;
  /**
   * The range of uniform levels. `minmax` (the default): from the least to the largest value. `meanstd`: mean ± s
   * standard deviations, and `quantile`: all but a share of the values at either end, both as is best for normal values.
   * `optimal`: where the squared error is least.
   */
  readonly range?: "minmax" | "quantile" | "meanstd" | "optimal" | undefined;
  /** The same levels for all dimensions. Default: each has its own. */
  readonly shared?: boolean | undefined;
  /** With `lloydmax`: a scale for each row, `optimal` for the least error or `unbiased` for inner products. */
  readonly scale?: "none" | "optimal" | "unbiased" | undefined;
}

/**
 * Learns the levels of a scalar quantizer, in one pass over the rows.
 *
 * @param rows `[n, d]`, n ≥ 1; a stream may be one that can be read only once
 * @throws {SpecError} for options that do not go together
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitScalar(rows: Rows, options: FitScalarOptions = {}): Promise<ScalarModel> {
  const { bits, levels = "uniform", range, shared, scale, ...training } = options;
  const float = levels === "fp16" || levels === "bf16";
  const fields = { bits: bits ?? (float ? 16 : 8), levels, range, shared, scale };
  return fitSpec(checkSpec({ kind: "sq", ...fields }) as SqSpec, rows, training);
}

/** {@link fitScalar} for a checked spec. */
export async function fitSpec(
  spec: SqSpec,
  rows: Rows,
  options: ScalarTraining,
): Promise<ScalarModel> {
  const { sample, seed = 0, signal } = options;
  throwIfAborted(signal);
  if (isMatrix(rows)) checkMatrix(rows);
  if (sample === undefined) return new ScalarModel(spec, await learn(spec, rows, options));
  if (!Number.isInteger(sample) || sample < 1) {
    throw new ArgumentError(`sample is ${sample}; it must be an integer from 1`);
  }
  const drawn = await sampleRows(rows, sample, new Random(seed).stream("sample"), signal);
  return withSampledRows(
    drawn,
    async () => new ScalarModel(spec, await learn(spec, drawn.matrix, options)),
  );
}

async function learn(spec: SqSpec, rows: Rows, options: ScalarTraining): Promise<ScalarCodec> {
  const { signal, onProgress, seed = 0 } = options;
  const pass: PassOptions = { shared: spec.shared ?? false, signal, onProgress };
  const random = new Random(seed).stream("columns");
  const count = 2 ** spec.bits;
  switch (spec.levels) {
    case "fp16":
    case "bf16":
      return new HalfCodec(spec.levels, await columnsOf(rows));
    case "quantile": {
      const learned = (sorted: Float32Array): Cells => equalMassCells(count, sorted);
      return cellCodec(await fromSortedColumns(rows, random, pass, learned));
    }
    case "lloydmax":
      return spec.scale === undefined
        ? cellCodec(await normalCells(count, rows, pass))
        : scaledCodec(spec.scale, count, rows, pass);
    default:
      return uniformCodec(count, await rangesOf(spec, count, rows, random, pass));
  }
}

async function rangesOf(
  { range }: SqSpec,
  count: number,
  rows: Rows,
  random: Random,
  pass: PassOptions,
): Promise<readonly Range[]> {
  // As much as is best for normal values is cut off.
  const deviations = uniformLoading(count);
  if (range === "quantile") {
    return fromSortedColumns(rows, random, pass, (sorted) => quantileRange(deviations, sorted));
  }
  if (range === "optimal") {
    return fromSortedColumns(rows, random, pass, (sorted) =>
      optimalRange(count, deviations, sorted),
    );
  }
  const { min, max, mean, deviation } = await statisticsOf(rows, pass);
  return Array.from(min, (lower, j) =>
    range === "meanstd"
      ? normalRange(deviations, {
          min: lower,
          max: max[j]!,
          mean: mean[j]!,
          deviation: deviation[j]!,
        })
      : { lower, upper: max[j]! },
  );
}

/** Lloyd–Max levels for normal values of each column's mean and deviation, none beyond the column's range. */
async function normalCells(count: number, rows: Rows, pass: PassOptions): Promise<Cells[]> {
  const { min, max, mean, deviation } = await statisticsOf(rows, pass);
  const standard = lloydMaxLevels(count);
  return Array.from(mean, (center, j) =>
    nearestCells(
      Float32Array.from(standard, (level) =>
        Math.min(Math.max(center + deviation[j]! * level, min[j]!), max[j]!),
      ),
    ),
  );
}

async function scaledCodec(
  scale: "optimal" | "unbiased",
  count: number,
  rows: Rows,
  pass: PassOptions,
): Promise<ScaledCodec> {
  const { rootMeanSquare, mean } = await statisticsOf(rows, pass);
  const { levels, thresholds } = nearestCells(Float32Array.from(lloydMaxLevels(count)));
  const column = (data: Float32Array): Matrix => ({ data, rows: data.length, cols: 1 });
  return new ScaledCodec(scale, mean.length, {
    levels: column(levels),
    thresholds: column(thresholds),
    unit: column(Float32Array.of(Math.fround(rootMeanSquare) || 1)),
  });
}

function uniformCodec(count: number, ranges: readonly Range[]): UniformCodec {
  const steps = ranges.map((range) => stepsOf(count, range));
  const row = (data: Float32Array): Matrix => ({ data, rows: 1, cols: data.length });
  return new UniformCodec(
    count,
    row(Float32Array.from(steps, ({ lower }) => lower)),
    row(Float32Array.from(steps, ({ step }) => step)),
  );
}

/** Cells of each column as a codec, which has the columns side by side. */
function cellCodec(columns: readonly Cells[]): CellCodec {
  const sideBySide = (lists: readonly Float32Array[]): Matrix => {
    const [rows, cols] = [lists[0]!.length, lists.length];
    const data = new Float32Array(rows * cols);
    lists.forEach((list, j) => list.forEach((value, k) => (data[k * cols + j] = value)));
    return { data, rows, cols };
  };
  return new CellCodec(
    sideBySide(columns.map(({ levels }) => levels)),
    sideBySide(columns.map(({ thresholds }) => thresholds)),
  );
}

async function columnsOf(rows: Rows): Promise<number> {
  if (isMatrix(rows)) return rows.cols;
  for await (const { cols } of batchesOf(rows, 1)) return cols;
  throw new ShapeError("there are no rows to fit on");
}
