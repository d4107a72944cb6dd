import { FormatError, type Matrix } from "@tessera/core";
import { type Header, writeHeader } from "./header.js";
import type { FaissMetric } from "./import.js";
import type { FaissReader } from "./reader.js";
import type { FaissWriter } from "./writer.js";

/** The rest of an `IndexFlat` after its header. */
export function readFlatRows(reader: FaissReader, { count, dimension: cols }: Header): Matrix {
  const data = reader.floatVector("the rows");
  if (data.length !== count * cols) {
    throw new FormatError(
      `faiss index: ${count} rows of ${cols} values, but ${data.length} values`,
    );
  }
  return { data, rows: count, cols };
}

/** `IndexFlatL2` or `IndexFlatIP`, whole. */
export function writeFlatIndex(
  writer: FaissWriter,
  { data, rows, cols }: Matrix,
  metric: FaissMetric,
): void {
  writer.fourcc(metric === "ip" ? "IxFI" : "IxF2");
  writeHeader(writer, { dimension: cols, count: rows, metric });
  writer.vector(data);
}
