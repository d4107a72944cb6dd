import { FormatError } from "@tessera/core";
import { npyHeaderEnd, readNpyHeader } from "./npy.js";
import type { RowReader } from "./row-reader.js";
import { openSafetensors } from "./safetensors.js";
import { readExactly, type ByteSource } from "./source.js";
import { readTable, withMemory, type Table } from "./table.js";
import { openVecs, type VecsFormat } from "./vecs.js";

/**
 * Rows of a binary format.
 *
 * @throws {FormatError} if header and size cannot be true together, or the array is no matrix
 */
export async function openBinary(
  source: ByteSource,
  format: "npy" | "safetensors" | VecsFormat,
  tensor: string | undefined,
): Promise<RowReader> {
  const table =
    format === "npy"
      ? await openNpy(source)
      : format === "safetensors"
        ? await openSafetensors(source, tensor)
        : await openVecs(source, format);
  const { cols, dtype, rows } = table;
  if (cols === 0) throw new FormatError(`${source.name} has vectors without values`);
  return {
    rows,
    cols,
    dtype,
    async *batches(batchRows, whole) {
      for (let first = 0; first < rows; first += batchRows) {
        const end = Math.min(rows, first + batchRows);
        const place = whole?.subarray(first * cols, end * cols);
        const data = await withMemory(source.name, "set the option batchRows to fewer rows", () =>
          readTable(source, table, first, end, place),
        );
        yield { data, rows: end - first, cols };
      }
    },
  };
}

async function openNpy(source: ByteSource): Promise<Table> {
  const { name, size } = source;
  const end = npyHeaderEnd(await readExactly(source, 0, Math.min(12, size)), size, name);
  const header = readNpyHeader(await readExactly(source, 0, end), size, name);
  const { dtype, littleEndian, shape, dataStart } = header;
  if (shape.length !== 2) {
    throw new FormatError(`${name} has shape [${shape.join(", ")}], not [rows, columns]`, {
      hint:
        shape.length < 2
          ? "save it as x.reshape(1, -1) if it is one vector"
          : "save it as x.reshape(len(x), -1)",
    });
  }
  const [rows, cols] = shape as [number, number];
  return { dtype, littleEndian, rows, cols, start: dataStart, counted: false };
}
