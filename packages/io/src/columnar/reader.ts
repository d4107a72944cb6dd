import { FormatError } from "@tessera/core";
import type { Item } from "../jsonl.js";
import type { RowReader, VectorBatch } from "../row-reader.js";
import type { ByteSource } from "../source.js";
import { withMemory } from "../table.js";
import { chooseColumns, type Column, type ColumnOptions } from "./columns.js";
import { naming } from "./damage.js";

/** A value beside the vectors. Integers that a number cannot hold are texts of digits. */
export type Cell = string | number | boolean | null;

/** The numbers of a column, row by row from the first. */
export interface FloatCursor {
  /** Fills all of `out` with the values that come next. */
  readInto(out: Float32Array): Promise<void>;
}

/** The cells of a column, from the first row. */
export interface CellCursor {
  take(rows: number): Promise<readonly Cell[]>;
}

/** A file of columns, each of which can be passed over as often as needed, one part in memory at a time. */
export interface ColumnarFile {
  readonly rows: number;
  readonly columns: readonly Column[];
  /** Number of values in row 0 of a column of lists. */
  width(column: number): Promise<number>;
  /** @param width that each row must have; 1 for a column of numbers */
  floats(column: number, width: number): FloatCursor;
  cells(column: number): CellCursor;
}

/** More than any vector has: what claims more is refused before anything is allocated. */
const MOST_VALUES = 2 ** 24;

/**
 * The vectors of a file of columns.
 *
 * @throws {FormatError} if it has no rows, or no one column is the vectors
 */
export async function openColumnar(
  source: ByteSource,
  open: (source: ByteSource) => Promise<ColumnarFile>,
  options: ColumnOptions,
): Promise<RowReader> {
  const { name } = source;
  const file = await naming(name, () => open(source));
  const { columns, rows } = file;
  const chosen = chooseColumns(columns, options, name);
  if (rows === 0) throw new FormatError(`${name} has no rows`);
  const { vectors } = chosen;
  const [first] = vectors as [number];
  const isList = columns[first]!.content === "list";
  const cols = isList ? await naming(name, () => file.width(first)) : vectors.length;
  if (cols === 0) throw new FormatError(`${name} has vectors without values`);
  if (cols > MOST_VALUES) throw new FormatError(`${name} claims vectors of ${cols} values`);
  const types = new Set(vectors.map((column) => columns[column]!.dtype));

  async function* batches(
    batchRows: number,
    whole?: Float32Array,
  ): AsyncGenerator<VectorBatch, void, undefined> {
    const fill = isList
      ? rowFiller(file.floats(first, cols))
      : columnFiller(vectors.map((column) => file.floats(column, 1)));
    const ids = chosen.id === undefined ? undefined : file.cells(chosen.id);
    const fields = chosen.items.map((column) => ({
      name: columns[column]!.name,
      cells: file.cells(column),
    }));
    for (let start = 0; start < rows; start += batchRows) {
      const end = Math.min(rows, start + batchRows);
      const data =
        whole?.subarray(start * cols, end * cols) ??
        (await withMemory(
          name,
          "set the option batchRows to fewer rows",
          () => new Float32Array((end - start) * cols),
        ));
      yield await naming(name, async () => {
        await fill(data);
        return {
          data,
          rows: end - start,
          cols,
          ...(ids && { ids: (await ids.take(end - start)).map((id) => String(id ?? "")) }),
          ...(options.items && { items: await takeItems(fields, end - start) }),
        };
      });
    }
  }
  return { rows, cols, dtype: types.size === 1 ? ([...types][0] ?? "F32") : "F32", batches };
}

type Filler = (data: Float32Array) => Promise<void>;

function rowFiller(cursor: FloatCursor): Filler {
  return (data) => cursor.readInto(data);
}

/** Numbers from many columns, each of which gives one value to every row. */
function columnFiller(cursors: readonly FloatCursor[]): Filler {
  const cols = cursors.length;
  return async (data) => {
    const column = new Float32Array(data.length / cols);
    for (const [j, cursor] of cursors.entries()) {
      await cursor.readInto(column);
      for (let i = 0; i < column.length; i++) data[i * cols + j] = column[i]!;
    }
  };
}

async function takeItems(
  fields: readonly { readonly name: string; readonly cells: CellCursor }[],
  rows: number,
): Promise<Item[]> {
  const entries = Array.from({ length: rows }, (): [string, Cell][] => []);
  for (const { name, cells } of fields) {
    const values = await cells.take(rows);
    values.forEach((value, row) => entries[row]!.push([name, value]));
  }
  return entries.map((row) => Object.fromEntries(row));
}
