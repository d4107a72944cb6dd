import {
  batchesOf,
  checkDimension,
  codeArrayFor,
  Codes,
  type CompleteBackend,
  type EncodeOptions,
  isMatrix,
  type Matrix,
  type Model,
  type Rows,
  type Tensor,
  throwIfAborted,
  withRowOffset,
} from "@tessera/core";
import { resolveBackend } from "./pick.js";

/** What encodes one batch of rows after another on one backend. */
export interface DeviceEncoder {
  /** The most float32 values per row that encoding keeps on the device; it sets the number of rows in a batch. */
  readonly valuesPerRow: number;
  /** What to upload in place of a batch, in memory of its own. Default: the batch. */
  prepare?(batch: Matrix): Matrix;
  /**
   * Enqueues the encoding of a batch, and resolves to its codes, `[n, columns]` row-major.
   *
   * Whatever it makes it disposes, also when it fails.
   *
   * @param x `[n, d]`
   * @param prepared what `prepare` made; without it, the batch
   */
  encode(x: Tensor<"float32">, prepared: Matrix): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** Values of one batch on the device: 32 MiB. */
const BATCH_VALUES = 2 ** 23;

/**
 * Codes of a matrix or a stream, batch by batch, in bounded memory. A batch is uploaded while the one before it is still
 * being computed. A matrix may be read where it lies: it must not change until the promise settles.
 *
 * @param open makes the encoder on the chosen backend
 * @throws {ShapeError} if the rows do not have the model's dimension
 * @throws {NonFiniteError} naming the row of the caller's data
 */
export async function encodeOnDevice(
  model: Pick<Model, "dimension" | "cardinalities">,
  rows: Rows,
  open: (backend: CompleteBackend) => DeviceEncoder,
  options: EncodeOptions,
): Promise<Codes> {
  const { signal, onProgress } = options;
  throwIfAborted(signal);
  if (isMatrix(rows)) checkDimension(model, rows);
  const backend = await resolveBackend(options.backend);
  const encoder = open(backend);
  const size = Math.max(1, Math.min(65_536, Math.floor(BATCH_VALUES / encoder.valuesPerRow)));
  const total = (rows as { readonly rows?: number }).rows;
  const parts: ArrayLike<number>[] = [];
  const running: { readonly end: number; readonly codes: Promise<ArrayLike<number>> }[] = [];
  const finishOldest = async (): Promise<void> => {
    const { end, codes } = running[0]!;
    parts.push(await codes);
    running.shift();
    await onProgress?.({ task: "encode", done: end, total });
    throwIfAborted(signal);
  };
  let start = 0;
  try {
    // While a batch is put together, the one before it is still being read.
    for await (const batch of batchesOf(rows, size, signal, 1)) {
      checkDimension(model, batch);
      const codes = withRowOffset(start, () => encodeBatch(backend, encoder, batch));
      // Awaited later; until then its failure must not count as unhandled.
      codes.catch(() => undefined);
      start += batch.rows;
      running.push({ end: start, codes });
      if (running.length > 1) await finishOldest();
    }
    while (running.length > 0) await finishOldest();
  } finally {
    await Promise.allSettled(running.map(({ codes }) => codes));
    encoder.dispose();
  }
  return new Codes(concatenate(parts, start, model.cardinalities), model.cardinalities);
}

async function encodeBatch(
  backend: CompleteBackend,
  encoder: DeviceEncoder,
  batch: Matrix,
): Promise<ArrayLike<number>> {
  const prepared = encoder.prepare?.(batch) ?? batch;
  const x = backend.borrow(prepared.data, [prepared.rows, prepared.cols]);
  try {
    return await encoder.encode(x, prepared);
  } finally {
    x.dispose();
  }
}

/** The batches' codes in one array, as narrow as the cardinalities allow. */
function concatenate(
  parts: readonly ArrayLike<number>[],
  rows: number,
  cardinalities: readonly number[],
): ArrayLike<number> {
  const joined = new (codeArrayFor(cardinalities))(rows * cardinalities.length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
