import { extname } from "node:path";
import { Codes, FormatError, type Matrix, type Model } from "@tessera/core";
import type { VectorFile } from "@tessera/io";
import { openVectors, writeFileAtomic, type WriteOptions } from "@tessera/io/node";
import { encodeParquet } from "@tessera/io/parquet";
import type { SemanticIds } from "@tessera/semantic-ids";

export function isParquet(path: string): boolean {
  return extname(path).toLowerCase() === ".parquet";
}

/** Rows of each row group where all of them are at hand. */
const GROUP = 2 ** 16;

/** Semantic IDs as a Parquet file: each item's `id`, its `codes` with the suffix, and the same as `tokens`. */
export async function idsToParquet(
  items: readonly string[],
  ids: SemanticIds,
): Promise<Uint8Array> {
  function* groups() {
    for (let start = 0; start < items.length; start += GROUP) {
      const id = items.slice(start, start + GROUP);
      const codes = id.map((_, i) => ids.id(start + i));
      const tokens = id.map((_, i) => ids.tokens(start + i));
      yield { id, codes, tokens };
    }
  }
  const pieces: Uint8Array[] = [];
  const types = { id: "text", codes: "integers", tokens: "texts" } as const;
  for await (const piece of encodeParquet(types, groups())) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The rows of a file with their ids, which are kept until the codes of the rows have come. */
export class IdQueue {
  readonly rows: AsyncIterable<Matrix>;
  readonly #ids: string[] = [];

  constructor(file: VectorFile) {
    const ids = this.#ids;
    this.rows = {
      async *[Symbol.asyncIterator]() {
        for await (const batch of file) {
          for (const id of batch.ids ?? []) ids.push(id);
          yield batch;
        }
      },
    };
  }

  /** The ids of the next rows; none if the file has no ids. */
  take(rows: number): string[] {
    return this.#ids.splice(0, rows);
  }
}

/**
 * Writes codes as they come: a column `codes`, and `id` where the vectors' file has ids.
 *
 * @returns the number of rows
 */
export async function writeCodesParquet(
  path: string,
  batches: AsyncGenerator<Codes, void, undefined>,
  queue: IdQueue,
  options: WriteOptions,
): Promise<number> {
  let rows = 0;
  const first = await batches.next();
  const ids = queue.take(first.done ? 0 : first.value.rows);
  async function* groups() {
    if (first.done) return;
    yield { id: ids, codes: listsOf(first.value) };
    rows = first.value.rows;
    for await (const codes of batches) {
      yield { id: queue.take(codes.rows), codes: listsOf(codes) };
      rows += codes.rows;
    }
  }
  const named = { id: "text", codes: "integers" } as const;
  const bytes =
    ids.length === 0
      ? encodeParquet({ codes: "integers" }, groups())
      : encodeParquet(named, groups());
  await writeFileAtomic(path, bytes, options);
  return rows;
}

function listsOf(codes: Codes): number[][] {
  return Array.from({ length: codes.rows }, (_, row) => Array.from(codes.row(row)));
}

/**
 * Codes as {@link writeCodesParquet} writes them, with as many columns as the model has or as decode on their own.
 *
 * @throws {CodeRangeError} naming the first code outside its column's cardinality
 */
export async function readCodesParquet(
  path: string,
  model: Model,
  signal: AbortSignal,
): Promise<Codes> {
  const file = await openVectors(path, { column: "codes", signal });
  try {
    const { data, cols } = await file.readAll();
    const { cardinalities, prefixes } = model;
    if (cols !== cardinalities.length && !prefixes.includes(cols)) {
      throw new FormatError(
        `${path} has ${cols} codes in a row; this model's have ${cardinalities.length}`,
        { hint: "check that these codes were made by this model" },
      );
    }
    return new Codes(data, cardinalities.slice(0, cols));
  } finally {
    await file.close();
  }
}
