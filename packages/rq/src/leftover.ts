import { resolveBackend } from "@tessera/backend";
import {
  batchesOf,
  type CompleteBackend,
  evaluate,
  type FitContext,
  isMatrix,
  type Matrix,
  type Model,
  type Rows,
  type Tensor,
  withRowOffset,
} from "@tessera/core";
import { subtract } from "./columns.js";
import { readAll } from "./encode.js";
import { ResidualModel } from "./model.js";
import { allPlain, allVq, leftover, type LevelSearch, openSearch } from "./search.js";

/** Values of a batch on the device: 32 MiB. */
const BATCH_VALUES = 2 ** 23;

/** What a model leaves over of rows; of a stream batch by batch, anew in each pass. */
export async function residualRows(rows: Rows, model: Model, context: FitContext): Promise<Rows> {
  if (isMatrix(rows)) {
    const data = new Float32Array(rows.data.length);
    let at = 0;
    for await (const batch of residualBatches(rows, model, context)) {
      data.set(batch.data, at);
      at += batch.data.length;
    }
    return { data, rows: rows.rows, cols: rows.cols };
  }
  return { [Symbol.asyncIterator]: () => residualBatches(rows, model, context) };
}

async function* residualBatches(
  rows: Rows,
  model: Model,
  context: FitContext,
): AsyncGenerator<Matrix, void, undefined> {
  const { signal } = context.options;
  const backend = await resolveBackend(context.options.backend);
  const levels: readonly Model[] = model instanceof ResidualModel ? model.levels : [model];
  const beam = model instanceof ResidualModel ? model.beam : 1;
  const search = allVq(levels) ? openSearch(backend, levels, beam) : undefined;
  if (search) {
    yield* mapBatches(backend, rows, search, signal, async (x, { rows: n, cols }) => {
      const left = leftover(backend, x, search);
      const [data] = await readAll([left]);
      return { data: data!, rows: n, cols };
    });
    return;
  }
  for await (const batch of isMatrix(rows) ? [rows] : rows) {
    const codes = await model.encode(batch, { backend, signal });
    yield subtract(batch, await model.decode(codes, { backend, signal }));
  }
}

/** Mean squared error of rows after each of a model's prefixes, as `evaluate` finds it. */
export async function distortions(
  model: ResidualModel,
  rows: Rows,
  context: FitContext,
): Promise<readonly number[]> {
  const { signal } = context.options;
  const backend = await resolveBackend(context.options.backend);
  const { levels, beam } = model;
  const search = allPlain(levels) ? openSearch(backend, levels, beam) : undefined;
  if (!search) return (await evaluate(model, rows, { backend, signal })).distortionPerLevel;
  const sums = levels.map(() => 0);
  let count = 0;
  const batches = mapBatches(backend, rows, search, signal, (x) => {
    const { codes, distances } = search.search(x);
    for (const tensor of codes) tensor.dispose();
    return readAll(distances);
  });
  for await (const distances of batches) {
    count += distances[0]!.length;
    distances.forEach((errors, l) => {
      let sum = sums[l]!;
      for (let i = 0; i < errors.length; i++) sum += errors[i]!;
      sums[l] = sum;
    });
  }
  return sums.map((sum) => sum / count);
}

/** Uploads batch after batch, and gives what `body` reads of each; disposes the search in the end. */
async function* mapBatches<T>(
  backend: CompleteBackend,
  rows: Rows,
  search: LevelSearch,
  signal: AbortSignal | undefined,
  body: (x: Tensor<"float32">, batch: Matrix) => Promise<T>,
): AsyncGenerator<T, void, undefined> {
  // Besides what a search keeps: what is left over before and after a level.
  const perRow = search.valuesPerRow + 2 * search.codebooks[0]!.shape[2]!;
  const size = Math.max(1, Math.floor(BATCH_VALUES / perRow));
  let start = 0;
  try {
    for await (const batch of batchesOf(rows, size, signal)) {
      const x = backend.borrow(batch.data, [batch.rows, batch.cols]);
      try {
        yield await withRowOffset(start, () => body(x, batch));
      } finally {
        x.dispose();
      }
      start += batch.rows;
    }
  } finally {
    search.dispose();
  }
}
