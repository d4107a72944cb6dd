import { stat } from "node:fs/promises";
import type { Matrix, Rows } from "@tessera/core";
import { type Item, type VectorFile } from "@tessera/io";
import { openVectors } from "@tessera/io/node";
import { text } from "./args/options.js";
import type { Context } from "./context.js";

/** Vectors up to this size are read into memory; larger files are read again, batch by batch, for each pass. */
const MEMORY_BYTES = 2 ** 30;

/** Options of commands that read vectors. */
export const INPUT_OPTIONS = {
  tensor: text("NAME", {
    help: "tensor of a .safetensors file that holds the vectors",
    defaultText: "the only one with two dimensions",
  }),
  field: text("NAME", {
    help: "field of a .jsonl file that holds the vectors",
    defaultText: "the first list of numbers",
  }),
  column: text("NAME", {
    help: "column of a .parquet or .arrow file that holds the vectors",
    defaultText: "the only one with lists of numbers",
  }),
};

export interface InputChoice {
  readonly tensor: string | undefined;
  readonly field: string | undefined;
  readonly column: string | undefined;
}

/** Vectors ready to be passed over as often as needed. */
export interface Vectors {
  readonly rows: Rows;
  readonly cols: number;
  /** Number of rows, as far as it is known without a pass. */
  readonly count: number | undefined;
}

/** What stood beside the rows in their file. */
export interface RowFacts {
  readonly ids: readonly string[] | undefined;
  readonly items: readonly Item[] | undefined;
}

/** Opens a file of vectors for one pass or several, and closes it after `body`. */
export async function withVectorFile<T>(
  path: string,
  choice: InputChoice,
  context: Context,
  body: (file: VectorFile) => Promise<T>,
  options: { readonly items?: boolean; readonly allowNonFinite?: boolean } = {},
): Promise<T> {
  const file = await openVectors(path, { ...choice, ...options, signal: context.signal });
  try {
    return await body(file);
  } finally {
    await file.close();
  }
}

/** The vectors of a file in memory if they fit there, and what stands beside them. */
export async function loadVectors(
  path: string,
  file: VectorFile,
  context: Context,
): Promise<Vectors & RowFacts> {
  const bytes = file.rows === undefined ? (await stat(path)).size : file.rows * file.cols * 4;
  if (bytes > MEMORY_BYTES) {
    const facts = file.format === "npy" ? undefined : await collectFacts(file);
    return { rows: file, cols: file.cols, count: file.rows, ids: facts?.ids, items: facts?.items };
  }
  context.progress.update({ task: "read", done: 0, total: file.rows });
  const all = await file.readAll();
  return { rows: all, cols: all.cols, count: all.rows, ids: all.ids, items: all.items };
}

async function collectFacts(file: VectorFile): Promise<RowFacts> {
  const ids: string[] = [];
  const items: Item[] = [];
  for await (const batch of file) {
    // One by one: a batch may hold more rows than a call may have arguments.
    for (const id of batch.ids ?? []) ids.push(id);
    for (const item of batch.items ?? []) items.push(item);
  }
  return {
    ids: ids.length === 0 ? undefined : ids,
    items: items.length === 0 ? undefined : items,
  };
}

/**
 * At most `most` rows, evenly spread over all of them.
 *
 * @returns the rows and their numbers
 */
export async function spreadSample(
  rows: Rows,
  count: number,
  most: number,
): Promise<{ sample: Matrix; numbers: Uint32Array }> {
  const taken = Math.min(count, most);
  const numbers = Uint32Array.from({ length: taken }, (_, i) => Math.floor((i * count) / taken));
  const batches = "data" in rows ? [rows] : rows;
  let sample: Matrix | undefined;
  let start = 0;
  let next = 0;
  for await (const batch of batches) {
    const { cols } = batch;
    sample ??= { data: new Float32Array(taken * cols), rows: taken, cols };
    for (; next < taken && numbers[next]! < start + batch.rows; next++) {
      const at = (numbers[next]! - start) * cols;
      sample.data.set(batch.data.subarray(at, at + cols), next * cols);
    }
    start += batch.rows;
  }
  return { sample: sample ?? { data: new Float32Array(0), rows: 0, cols: 1 }, numbers };
}
