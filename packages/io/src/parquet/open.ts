import {
  type CellCursor,
  type Cell,
  type ColumnarFile,
  type FloatCursor,
} from "../columnar/reader.js";
import { badRow, Damage, wrongLength } from "../columnar/damage.js";
import type { ByteSource } from "../source.js";
import { readFooter, type ParquetFooter } from "./footer.js";
import { readPages, type Encoded, type Page } from "./pages.js";
import type { Leaf } from "./schema.js";
import { decodeCells, decodeNumbers } from "./values.js";

/** A Parquet file as columns. A page of each column that is read is in memory at a time. */
export async function openParquetColumns(source: ByteSource): Promise<ColumnarFile> {
  const footer = await readFooter(source);
  const { leaves, rows } = footer;
  return {
    rows,
    columns: leaves.map(({ column }) => column),
    width: (column) =>
      firstLength(
        pagesOf(source, footer, column, () => undefined),
        leaves[column]!,
      ),
    floats: (column, width) => new Floats(source, footer, column, width),
    cells: (column) => new Cells(source, footer, column),
  };
}

/** The pages of a column in all row groups. */
async function* pagesOf(
  source: ByteSource,
  footer: ParquetFooter,
  column: number,
  dictionary: (values: Encoded) => void,
): AsyncGenerator<Page, void, undefined> {
  const leaf = footer.leaves[column]!;
  for (const chunkOf of footer.groups) {
    yield* readPages(source, leaf, chunkOf(column), dictionary);
  }
}

/** How many values the list of row 0 has. */
async function firstLength(pages: AsyncIterable<Page>, leaf: Leaf): Promise<number> {
  let length = 0;
  for await (const { entries, repetition, definition } of pages) {
    for (let i = 0; i < entries; i++) {
      if (repetition![i] === 0 && length > 0) return length;
      if (definition && definition[i]! < leaf.entry) throw missing(leaf, definition[i]!, 0, 0);
      length++;
    }
  }
  return length;
}

/** Rows are numbered through all pages: a list may go on in the next one. */
class Floats implements FloatCursor {
  readonly #pages: AsyncIterator<Page>;
  readonly #leaf: Leaf;
  readonly #width: number;
  #dictionary: Float32Array | undefined;
  #values: Float32Array = new Float32Array(0);
  #at = 0;
  #row = -1;
  /** Values of the row that came last. */
  #length: number;

  constructor(source: ByteSource, footer: ParquetFooter, column: number, width: number) {
    this.#leaf = footer.leaves[column]!;
    this.#width = width;
    this.#length = width;
    this.#pages = pagesOf(source, footer, column, (values) => {
      this.#dictionary = decodeNumbers(values, this.#leaf, undefined);
    });
  }

  async readInto(out: Float32Array): Promise<void> {
    for (let filled = 0; filled < out.length;) {
      if (this.#at === this.#values.length) await this.#next();
      const taken = Math.min(out.length - filled, this.#values.length - this.#at);
      out.set(this.#values.subarray(this.#at, this.#at + taken), filled);
      this.#at += taken;
      filled += taken;
    }
  }

  async #next(): Promise<void> {
    const { done, value: page } = await this.#pages.next();
    if (done) {
      if (this.#length !== this.#width) this.#endRow();
      throw new Damage(
        `column ${JSON.stringify(this.#leaf.column.name)} ends at row ${this.#row + 1}`,
      );
    }
    this.#check(page);
    this.#values = decodeNumbers(page.values, this.#leaf, this.#dictionary);
    this.#at = 0;
  }

  /** Checks that rows are whole and of one length: their values are then a matrix as they are. */
  #check({ entries, repetition, definition }: Page): void {
    const { definition: present } = this.#leaf;
    const width = this.#width;
    for (let i = 0; i < entries; i++) {
      if (repetition === undefined || repetition[i] === 0) {
        this.#endRow();
        this.#row++;
        this.#length = 0;
      }
      if (definition !== undefined && definition[i] !== present) {
        throw missing(this.#leaf, definition[i]!, this.#row, this.#length);
      }
      this.#length++;
    }
    if (this.#length > width) this.#endRow();
  }

  #endRow(): void {
    if (this.#length === this.#width) return;
    throw wrongLength(Math.max(0, this.#row), this.#leaf.column.name, this.#length, this.#width);
  }
}

function missing(leaf: Leaf, level: number, row: number, place: number): Damage {
  const { name } = leaf.column;
  if (leaf.repetition === 0) return badRow(row, name, "is null");
  if (level >= leaf.entry) return badRow(row, name, `has null as its value ${place + 1}`);
  return badRow(row, name, level === leaf.entry - 1 ? "is an empty list" : "is null");
}

class Cells implements CellCursor {
  readonly #pages: AsyncIterator<Page>;
  readonly #leaf: Leaf;
  #dictionary: Cell[] | undefined;
  #held: readonly Cell[] = [];
  #at = 0;

  constructor(source: ByteSource, footer: ParquetFooter, column: number) {
    this.#leaf = footer.leaves[column]!;
    this.#pages = pagesOf(source, footer, column, (values) => {
      this.#dictionary = decodeCells(values, this.#leaf, undefined);
    });
  }

  async take(rows: number): Promise<readonly Cell[]> {
    const taken: Cell[] = [];
    while (taken.length < rows) {
      if (this.#at === this.#held.length) await this.#next();
      const end = Math.min(this.#held.length, this.#at + rows - taken.length);
      while (this.#at < end) taken.push(this.#held[this.#at++]!);
    }
    return taken;
  }

  async #next(): Promise<void> {
    const { done, value: page } = await this.#pages.next();
    if (done) {
      throw new Damage(
        `column ${JSON.stringify(this.#leaf.column.name)} has fewer rows than others`,
      );
    }
    const values = decodeCells(page.values, this.#leaf, this.#dictionary);
    this.#held = withNulls(values, page.definition, this.#leaf);
    this.#at = 0;
  }
}

function withNulls(values: Cell[], definition: Uint8Array | undefined, leaf: Leaf): Cell[] {
  if (definition === undefined || values.length === definition.length) return values;
  let next = 0;
  return Array.from(definition, (level) => (level === leaf.definition ? values[next++]! : null));
}
