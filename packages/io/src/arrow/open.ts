import { type HostDType, hostBytesPerElement } from "@tessera/core";
import { badRow, Damage, wrongLength } from "../columnar/damage.js";
import type { Cell, CellCursor, ColumnarFile, FloatCursor } from "../columnar/reader.js";
import type { ByteSource } from "../source.js";
import { decodeFloats } from "../table.js";
import { findPart, firstNull, tooShort, type FieldPart } from "./batch.js";
import { readCells, readOffsets } from "./cells.js";
import { readContent, readMessages, type Message } from "./messages.js";
import { readSchema, type Field } from "./schema.js";

/** Messages of a file, found once. */
interface ArrowFile {
  readonly source: ByteSource;
  readonly fields: readonly Field[];
  readonly batches: readonly { readonly message: Message; readonly rows: number }[];
  /** With how many batches there are before each. */
  readonly dictionaries: readonly {
    readonly message: Message;
    readonly id: number;
    readonly batchesBefore: number;
  }[];
}

/** An Arrow file or stream as columns. Of its batches the rows that are asked for are read, or buffers, if compressed. */
export async function openArrowColumns(source: ByteSource): Promise<ColumnarFile> {
  const file = await readFile(source);
  const { batches, fields } = file;
  return {
    rows: batches.reduce((sum, { rows }) => sum + rows, 0),
    columns: fields.map(({ column }) => column),
    width: (column) => firstLength(file, column),
    floats: (column, width) => new Floats(file, column, width),
    cells: (column) => new Cells(file, column),
  };
}

async function readFile(source: ByteSource): Promise<ArrowFile> {
  let fields: Field[] | undefined;
  const batches: { message: Message; rows: number }[] = [];
  const dictionaries: ArrowFile["dictionaries"][number][] = [];
  for await (const [message, content] of readMessages(source)) {
    if (message.kind === "schema") fields ??= readSchema(content, message.end - message.start);
    else if (message.kind === "dictionary") {
      dictionaries.push({ message, id: content.count(0), batchesBefore: batches.length });
    } else {
      const rows = content.count(0);
      if (rows < 0) throw new Damage(`a batch claims ${rows} rows`);
      if (rows > 0) batches.push({ message, rows });
    }
  }
  if (fields === undefined) throw new Damage("it has no schema");
  return { source, fields, batches, dictionaries };
}

async function partOf(file: ArrowFile, batch: number, column: number): Promise<FieldPart> {
  const { message, rows } = file.batches[batch]!;
  const content = await readContent(file.source, message);
  const part = findPart(file.source, message, content, file.fields, column);
  if (part.length !== rows)
    throw new Damage(`a batch has ${rows} rows, and ${part.length} in a column`);
  return part;
}

async function firstLength(file: ArrowFile, column: number): Promise<number> {
  const { layout } = file.fields[column]!;
  if (layout.kind === "list") return Math.max(0, layout.width);
  const part = await partOf(file, 0, column);
  if (layout.kind !== "lists") return 1;
  await checkPresent(part, 0, 1, 0);
  const [start, end] = await readOffsets(part, layout.offsets, 0, 1);
  if (end === start) throw badRow(0, part.field.name, "is an empty list");
  return end! - start!;
}

/** @param before rows in the batches before this */
async function checkPresent(
  part: FieldPart,
  first: number,
  count: number,
  before: number,
): Promise<void> {
  const row = await firstNull(part, first, count);
  if (row !== undefined) throw badRow(before + row, part.field.name, "is null");
}

class Floats implements FloatCursor {
  readonly #file: ArrowFile;
  readonly #column: number;
  readonly #width: number;
  #batch = -1;
  #part: FieldPart | undefined;
  /** The next row of the part. */
  #at = 0;
  /** Rows of the batches before. */
  #before = 0;

  constructor(file: ArrowFile, column: number, width: number) {
    this.#file = file;
    this.#column = column;
    this.#width = width;
  }

  async readInto(out: Float32Array): Promise<void> {
    const width = this.#width;
    for (let filled = 0; filled < out.length;) {
      if (this.#part === undefined || this.#at === this.#part.length) {
        this.#before += this.#part?.length ?? 0;
        this.#part = await partOf(this.#file, ++this.#batch, this.#column);
        this.#at = 0;
      }
      const rows = Math.min(out.length / width - filled / width, this.#part.length - this.#at);
      out.set(await this.#read(this.#part, this.#at, rows), filled);
      filled += rows * width;
      this.#at += rows;
    }
  }

  async #read(part: FieldPart, first: number, rows: number): Promise<Float32Array> {
    const { layout } = part.field;
    await checkPresent(part, first, rows, this.#before);
    if (layout.kind === "number") return readNumbers(part, layout.dtype, first, rows);
    const [values] = part.children;
    if (values?.field.layout.kind !== "number") throw tooShort();
    const start =
      layout.kind === "lists"
        ? await this.#startOfLists(part, layout.offsets, first, rows)
        : first * this.#width;
    const count = rows * this.#width;
    if (start + count > values.length) throw tooShort();
    const missing = await firstNull(values, start, count);
    if (missing !== undefined) {
      const row = this.#before + first + Math.floor((missing - start) / this.#width);
      const place = ((missing - start) % this.#width) + 1;
      throw badRow(row, part.field.name, `has null as its value ${place}`);
    }
    return readNumbers(values, values.field.layout.dtype, start, count);
  }

  /** Checks that the lists have one length: their values then follow one another. */
  async #startOfLists(
    part: FieldPart,
    type: "I32" | "I64",
    first: number,
    rows: number,
  ): Promise<number> {
    const offsets = await readOffsets(part, type, first, rows);
    for (let i = 0; i < rows; i++) {
      const length = offsets[i + 1]! - offsets[i]!;
      if (length !== this.#width) {
        throw wrongLength(this.#before + first + i, part.field.name, length, this.#width);
      }
    }
    return offsets[0]!;
  }
}

async function readNumbers(
  { buffers }: FieldPart,
  dtype: HostDType,
  first: number,
  count: number,
): Promise<Float32Array> {
  const size = hostBytesPerElement(dtype);
  const [values] = buffers;
  if (values === undefined) throw tooShort();
  return decodeFloats(await values.read(first * size, (first + count) * size), dtype, true);
}

class Cells implements CellCursor {
  readonly #file: ArrowFile;
  readonly #column: number;
  #batch = -1;
  #part: FieldPart | undefined;
  #at = 0;
  #dictionary: Cell[] | undefined;
  #dictionariesRead = 0;

  constructor(file: ArrowFile, column: number) {
    this.#file = file;
    this.#column = column;
  }

  async take(rows: number): Promise<readonly Cell[]> {
    const taken: Cell[] = [];
    while (taken.length < rows) {
      if (this.#part === undefined || this.#at === this.#part.length) {
        this.#part = await partOf(this.#file, ++this.#batch, this.#column);
        this.#at = 0;
        await this.#readDictionaries();
      }
      const count = Math.min(rows - taken.length, this.#part.length - this.#at);
      for (const cell of await readCells(this.#part, this.#at, count, this.#dictionary)) {
        taken.push(cell);
      }
      this.#at += count;
    }
    return taken;
  }

  /** Those before the batch. A file may also have them behind it. */
  async #readDictionaries(): Promise<void> {
    const { dictionaries, fields } = this.#file;
    const field = fields[this.#column]!;
    if (field.dictionary === undefined) return;
    for (; this.#dictionariesRead < dictionaries.length; this.#dictionariesRead++) {
      const { id, message, batchesBefore } = dictionaries[this.#dictionariesRead]!;
      if (batchesBefore > this.#batch && this.#dictionary !== undefined) return;
      if (id !== field.dictionary.id) continue;
      this.#dictionary = await this.#readDictionary(field, message);
    }
  }

  async #readDictionary(field: Field, message: Message): Promise<Cell[]> {
    const { source } = this.#file;
    const content = await readContent(source, message);
    const data = content.table(1);
    if (data === undefined) throw new Damage("a dictionary has no values");
    const isView = field.layout.kind === "view";
    const values: Field = {
      ...field,
      dictionary: undefined,
      buffers: isView ? 2 : 3,
      views: isView,
    };
    const part = findPart(source, message, data, [values], 0);
    const cells = await readCells(part, 0, part.length, undefined);
    const isMore = content.boolean(2);
    return isMore ? [...(this.#dictionary ?? []), ...cells] : cells;
  }
}
