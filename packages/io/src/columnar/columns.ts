import { ArgumentError, FormatError } from "@tessera/core";
import type { HostDType } from "@tessera/core";
import { ID_NAME } from "../csv.js";
import { quote } from "../row-parser.js";

export interface ColumnOptions {
  /** Name of the column that holds the vectors. Default: the only one with lists of numbers, else all, if all are numbers. */
  readonly column?: string | undefined;
  /** Whether to keep the other columns of each row, as `items` of the batches. Default false. */
  readonly items?: boolean | undefined;
}

/** A column of a Parquet or Arrow file. */
export interface Column {
  /** With the names of the structs around it, joined by dots. */
  readonly name: string;
  /** What its rows hold, as far as vectors and what they are called go. */
  readonly content: "list" | "number" | "text" | "boolean" | "other";
  /** The type in words, such as `list of float32`. */
  readonly type: string;
  /** Type of the numbers, alone or in lists. */
  readonly dtype?: HostDType | undefined;
}

/** Which columns are read, by their places. */
export interface ChosenColumns {
  /** One of lists, or several of numbers. */
  readonly vectors: readonly number[];
  readonly id: number | undefined;
  readonly items: readonly number[];
}

/** What pandas calls an index that has no name. */
const PANDAS_INDEX = "__index_level_0__";

/**
 * Finds the vectors among the columns of a file, and what stands beside them.
 *
 * @throws {ArgumentError} if there is no column of the wanted name
 * @throws {FormatError} listing the columns, if there is not one candidate
 */
export function chooseColumns(
  columns: readonly Column[],
  { column, items = false }: ColumnOptions,
  name: string,
): ChosenColumns {
  const vectors = vectorColumns(columns, column, name);
  const beside = columns.flatMap(({ content }, i) =>
    vectors.includes(i) || content === "list" || content === "other" ? [] : [i],
  );
  return { vectors, id: idColumn(columns, beside), items: items ? beside : [] };
}

function vectorColumns(
  columns: readonly Column[],
  wanted: string | undefined,
  name: string,
): readonly number[] {
  if (wanted !== undefined) {
    const found = columns.findIndex((column) => column.name === wanted);
    if (found === -1) {
      throw new ArgumentError(`${name} has no column ${quote(wanted)}; it has ${list(columns)}`);
    }
    if (columns[found]!.content === "list") return [found];
    throw new FormatError(
      `${name} column ${quote(wanted)} is of type ${columns[found]!.type}, not lists of numbers`,
    );
  }
  const lists = columns.flatMap(({ content }, i) => (content === "list" ? [i] : []));
  if (lists.length === 1) return lists;
  if (lists.length > 1) {
    throw new FormatError(
      `${name} has ${lists.length} columns of lists of numbers: ${list(lists.map((i) => columns[i]!))}`,
      { hint: "name the one to read with the option column" },
    );
  }
  // As in csv: numbers alone, after at most one column of ids.
  const all = columns.map((_, i) => i);
  const id = idColumn(columns, all);
  const rest = all.filter((i) => i !== id);
  if (rest.length > 0 && rest.every((i) => columns[i]!.content === "number")) return rest;
  throw new FormatError(`${name} has no column of lists of numbers; it has ${list(columns)}`, {
    hint: "write each vector as a list in one column, or one number to each column",
  });
}

/** The first column of text or integers that is called as ids are. */
function idColumn(columns: readonly Column[], among: readonly number[]): number | undefined {
  const able = among.filter((i) => {
    const { content, dtype } = columns[i]!;
    return content === "text" || (content === "number" && /^[IU]/.test(dtype ?? ""));
  });
  return (
    able.find((i) => ID_NAME.test(lastName(columns[i]!.name))) ??
    able.find((i) => columns[i]!.name === PANDAS_INDEX)
  );
}

/** Without the names of the structs around it. */
function lastName(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function list(columns: readonly Column[]): string {
  const shown = columns.slice(0, 8).map(({ name, type }) => `${quote(name)} (${type})`);
  if (columns.length > shown.length) shown.push(`and ${columns.length - shown.length} more`);
  return shown.length === 0 ? "none" : shown.join(", ");
}

/** The type of elements in words. */
export function typeWord(dtype: HostDType): string {
  const [, kind, bits] = /^(F|I|U)(\d+)$/.exec(dtype) ?? [];
  const word = { F: "float", I: "int", U: "uint" }[kind ?? ""];
  return word === undefined ? dtype.toLowerCase() : `${word}${bits}`;
}

/** Options are checked here, so that a mistake is named before the file is read. */
export function checkColumnOptions({ column }: ColumnOptions): void {
  if (column !== undefined && (typeof column !== "string" || column === "")) {
    throw new ArgumentError(`column is ${quote(column)}; it must be the name of a column`);
  }
}
