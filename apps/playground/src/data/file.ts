import { checkFinite, FormatError, type Matrix } from "@tessera/core";
import { blobSource, openVectorSource } from "@tessera/io";
import type { Dataset } from "./dataset.js";

/** Values that a page trains on without trouble: 128 MiB of them. */
const MOST_VALUES = 2 ** 25;

/** A visitor's own vectors. They stay in the page: nothing is sent anywhere. */
export async function readFile(file: File, signal: AbortSignal): Promise<Dataset> {
  if (/\.parquet$/i.test(file.name)) return readParquet(file);
  const opened = await openVectorSource(blobSource(file), { signal });
  try {
    if (opened.rows !== undefined) checkSize(file.name, opened.rows, opened.cols);
    const rows = await opened.readAll();
    checkSize(file.name, rows.rows, rows.cols);
    return { title: file.name, rows };
  } finally {
    await opened.close();
  }
}

function checkSize(name: string, rows: number, cols: number): void {
  if (rows * cols <= MOST_VALUES) return;
  throw new FormatError(`${name} holds ${rows} × ${cols} values, which is too much for a page`, {
    hint: "use a part of it here, and the tessera command for the whole",
  });
}

/** The first column of lists of numbers, or else all columns of numbers; the first column of text names the rows. */
async function readParquet(file: File): Promise<Dataset> {
  const { parquetReadObjects } = await import("hyparquet");
  const buffer = await file.arrayBuffer();
  const records = await parquetReadObjects({ file: buffer }).catch((cause: unknown) => {
    throw new FormatError(`${file.name} is not a Parquet file that can be read here`, {
      hint: "write it without encryption, compressed by snappy or not at all",
      cause,
    });
  });
  const first = records[0];
  if (!first) throw new FormatError(`${file.name} has no rows`);
  const names = Object.keys(first);
  const list = names.find((name) => isList(first[name]));
  const numbers = names.filter((name) => isNumber(first[name]));
  const text = names.find((name) => typeof first[name] === "string");
  const cols = list === undefined ? numbers.length : (first[list] as ArrayLike<number>).length;
  if (cols === 0) {
    throw new FormatError(
      `${file.name} has neither a column of lists of numbers nor columns of numbers`,
    );
  }
  checkSize(file.name, records.length, cols);
  const data = new Float32Array(records.length * cols);
  records.forEach((record, row) => {
    const values = list === undefined ? numbers.map((name) => record[name]) : record[list];
    if (!isList(values) || values.length !== cols) {
      throw new FormatError(`row ${row} of ${file.name} does not have ${cols} numbers`);
    }
    for (let j = 0; j < cols; j++) data[row * cols + j] = Number(values[j]);
  });
  const rows: Matrix = { data, rows: records.length, cols };
  checkFinite(rows);
  return {
    title: file.name,
    rows,
    labels: text === undefined ? undefined : records.map((record) => String(record[text])),
  };
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" || typeof value === "bigint";
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return (
    (Array.isArray(value) || ArrayBuffer.isView(value)) &&
    isNumber((value as unknown as unknown[])[0])
  );
}
