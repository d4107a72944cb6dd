import {
  ArgumentError,
  DisposedError,
  NonFiniteError,
  checkFinite,
  throwIfAborted,
} from "@tessera/core";
import type { HostDType, Matrix, WorkOptions } from "@tessera/core";
import { checkColumnOptions, type ColumnOptions } from "./columnar/columns.js";
import { checkCsvOptions, type CsvOptions } from "./csv.js";
import { detectFormat, isVectorFormat, type VectorFormat } from "./format.js";
import { checkJsonlOptions, type Item, type JsonlOptions } from "./jsonl.js";
import { openRows } from "./readers.js";
import type { VectorBatch } from "./row-reader.js";
import { bytesSource, type ByteSource } from "./source.js";
import { withMemory } from "./table.js";

export interface VectorOptions extends WorkOptions, JsonlOptions, CsvOptions, ColumnOptions {
  /** The format. Default: what the first bytes say, where they are unmistakable, else what the extension says. */
  readonly format?: VectorFormat | undefined;
  /** Rows of each batch; the last may have fewer. Default: as many as make about 4 MiB, at least 1. */
  readonly batchRows?: number | undefined;
  /** Whether NaN and infinities pass. Default false: the first is a NonFiniteError that names its row. */
  readonly allowNonFinite?: boolean | undefined;
  /** Name of the tensor to read from a safetensors file. Default: the only 2-D tensor of floats. */
  readonly tensor?: string | undefined;
}

/**
 * Vectors in a file, read as float32 batch by batch. Iterating starts a new pass each time, and holds one batch in
 * memory.
 */
export interface VectorFile extends AsyncIterable<VectorBatch> {
  readonly format: VectorFormat;
  /** Number of rows; `undefined` in text formats, where only a whole pass tells. */
  readonly rows: number | undefined;
  readonly cols: number;
  /** Element type in the file; `text` where numbers are written as text. */
  readonly dtype: HostDType | "text";
  [Symbol.asyncIterator](): AsyncIterator<VectorBatch>;
  /** All rows at once. */
  readAll(): Promise<VectorBatch>;
  /** Frees the source. Reading afterwards is a DisposedError. */
  close(): Promise<void>;
}

const BATCH_VALUES = 2 ** 20;

/**
 * Opens vectors for reading. Header and size are checked before anything is allocated for them.
 *
 * @throws {FormatError} if the source is not what its format says
 * @throws {ArgumentError} if an option is out of range
 */
export async function openVectorSource(
  source: ByteSource,
  options: VectorOptions = {},
): Promise<VectorFile> {
  const { allowNonFinite = false, onProgress, signal } = options;
  checkOptions(options);
  throwIfAborted(signal);
  const format = options.format ?? (await detectFormat(source));
  const reader = await openRows(source, format, options);
  const { cols, dtype, rows } = reader;
  const batchRows = options.batchRows ?? Math.max(1, Math.floor(BATCH_VALUES / cols));
  let closed = false;
  const check = (): void => {
    throwIfAborted(signal);
    if (closed) throw new DisposedError(source.name);
  };

  async function* pass(whole?: Float32Array): AsyncGenerator<VectorBatch, void, undefined> {
    let done = 0;
    check();
    for await (const batch of reader.batches(batchRows, whole)) {
      if (!allowNonFinite) checkRows(batch, done, source.name);
      done += batch.rows;
      yield batch;
      check();
      await onProgress?.({ task: `read ${source.name}`, done, total: rows });
    }
  }
  return {
    format,
    rows,
    cols,
    dtype,
    [Symbol.asyncIterator]: () => pass(),
    readAll: () =>
      withMemory(source.name, "iterate over it in batches", () =>
        // A file of few bytes may say that it has many rows: they are believed when they have come.
        collect(pass, rows === undefined || rows * cols > 8 * source.size ? undefined : rows, cols),
      ),
    async close() {
      closed = true;
      await source.close?.();
    },
  };
}

/**
 * All vectors of a file that is in memory.
 *
 * @param name its name: the extension helps to tell the format, and errors mention it
 * @throws as {@link openVectorSource} does, and {@link NonFiniteError} naming a row
 */
export async function decodeVectors(
  bytes: Uint8Array,
  name = "input",
  options: VectorOptions = {},
): Promise<VectorBatch> {
  const file = await openVectorSource(bytesSource(bytes, name), options);
  return file.readAll();
}

/** Joins batches. Known rows are written into place; unknown ones are kept until their number is known. */
async function collect(
  pass: (whole?: Float32Array) => AsyncIterable<VectorBatch>,
  rows: number | undefined,
  cols: number,
): Promise<VectorBatch> {
  const known = rows === undefined ? undefined : new Float32Array(rows * cols);
  const kept: Float32Array[] = [];
  const ids: (readonly string[])[] = [];
  const items: (readonly Item[])[] = [];
  let filled = 0;
  for await (const batch of pass(known)) {
    if (batch.data.buffer !== known?.buffer) known?.set(batch.data, filled);
    filled += batch.data.length;
    if (known === undefined) kept.push(batch.data);
    if (batch.ids) ids.push(batch.ids);
    if (batch.items) items.push(batch.items);
  }
  const data = known ?? new Float32Array(filled);
  if (known === undefined) {
    let at = 0;
    for (const part of kept) {
      data.set(part, at);
      at += part.length;
    }
  }
  return {
    data,
    rows: filled / cols,
    cols,
    ...(ids.length > 0 && { ids: ids.flat() }),
    ...(items.length > 0 && { items: items.flat() }),
  };
}

function checkRows(batch: Matrix, offset: number, name: string): void {
  try {
    checkFinite(batch, name);
  } catch (error) {
    if (error instanceof NonFiniteError) throw error.shifted(offset, name);
    throw error;
  }
}

function checkOptions(options: VectorOptions): void {
  const { batchRows, format, tensor } = options;
  if (format !== undefined && !isVectorFormat(format)) {
    throw new ArgumentError(`format ${JSON.stringify(format)} is not known`);
  }
  if (batchRows !== undefined && !(Number.isSafeInteger(batchRows) && batchRows >= 1)) {
    throw new ArgumentError(`batchRows is ${batchRows}; it must be an integer from 1`);
  }
  if (tensor !== undefined && typeof tensor !== "string") {
    throw new ArgumentError("tensor must be the name of a tensor");
  }
  checkJsonlOptions(options);
  checkColumnOptions(options);
  checkCsvOptions(options);
}
