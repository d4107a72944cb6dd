import { FormatError } from "@tessera/core";
import { csvParser, type CsvOptions } from "./csv.js";
import { jsonlParser, type Item, type JsonlOptions } from "./jsonl.js";
import type { ParsedRow, RowParser } from "./row-parser.js";
import type { ByteSource } from "./source.js";
import { isBlank, joinQuoted, readLines, type TextRecord } from "./text.js";
import type { RowReader, VectorBatch } from "./row-reader.js";

/**
 * Rows of a text format: one vector per record.
 *
 * @throws {FormatError} if the first records do not say how the vectors are written
 */
export async function openText(
  source: ByteSource,
  format: "jsonl" | "csv" | "tsv",
  options: JsonlOptions & CsvOptions & { readonly signal?: AbortSignal | undefined },
): Promise<RowReader> {
  const records = (): AsyncIterable<TextRecord[]> => {
    const lines = readLines(source, options.signal);
    return format === "jsonl" ? lines : joinQuoted(lines, source.name);
  };
  const head = await firstRecords(records(), 2);
  if (head.length === 0) throw new FormatError(`${source.name} has no rows`);
  const parser =
    format === "jsonl"
      ? jsonlParser(head[0]!, source.name, options)
      : csvParser(head, source.name, format === "tsv", options);
  return {
    rows: undefined,
    cols: parser.cols,
    dtype: "text",
    batches: (batchRows) => parseBatches(records(), parser, batchRows),
  };
}

async function* parseBatches(
  blocks: AsyncIterable<TextRecord[]>,
  parser: RowParser,
  batchRows: number,
): AsyncGenerator<VectorBatch, void, undefined> {
  const { cols } = parser;
  let skip = parser.skip;
  let batch = new GrowingBatch(cols, Math.min(16, batchRows));
  for await (const block of blocks) {
    for (const record of block) {
      if (isBlank(record)) continue;
      if (skip > 0) {
        skip--;
        continue;
      }
      batch.add(parser, record);
      if (batch.rows === batchRows) {
        yield batch.finish();
        // The file has shown that it fills batches of this size.
        batch = new GrowingBatch(cols, batchRows);
      }
    }
  }
  if (batch.rows > 0) yield batch.finish();
}

/** A batch that grows with its rows: a file decides by its content, not by its claims, how much is allocated. */
class GrowingBatch {
  rows = 0;
  readonly #cols: number;
  readonly #ids: string[] = [];
  readonly #items: Item[] = [];
  #data: Float32Array;

  constructor(cols: number, capacity: number) {
    this.#cols = cols;
    this.#data = new Float32Array(capacity * cols);
  }

  add(parser: RowParser, record: TextRecord): void {
    const at = this.rows * this.#cols;
    if (at === this.#data.length) {
      const grown = new Float32Array(2 * this.#data.length);
      grown.set(this.#data);
      this.#data = grown;
    }
    const { id, item }: ParsedRow = parser.parse(record, this.#data, at);
    if (id !== undefined) this.#ids.push(id);
    if (item !== undefined) this.#items.push(item);
    this.rows++;
  }

  finish(): VectorBatch {
    return {
      data: this.#data.subarray(0, this.rows * this.#cols),
      rows: this.rows,
      cols: this.#cols,
      ...(this.#ids.length > 0 && { ids: this.#ids }),
      ...(this.#items.length > 0 && { items: this.#items }),
    };
  }
}

async function firstRecords(
  blocks: AsyncIterable<TextRecord[]>,
  count: number,
): Promise<TextRecord[]> {
  const found: TextRecord[] = [];
  for await (const block of blocks) {
    for (const record of block) {
      if (!isBlank(record) && found.push(record) === count) return found;
    }
  }
  return found;
}
