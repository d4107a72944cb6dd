/**
 * Arrow files and streams: `@tessera/io/arrow`. `openVectorSource` and `openVectors` load it when they meet one.
 */
import { openArrowColumns } from "./arrow/open.js";
import type { ColumnOptions } from "./columnar/columns.js";
import { openColumnar } from "./columnar/reader.js";
import type { RowReader } from "./row-reader.js";
import type { ByteSource } from "./source.js";

/**
 * The vectors of an Arrow file (Feather version 2) or stream: a column of lists of numbers, or columns of numbers.
 *
 * @throws {FormatError} if the file is damaged, or no one column is the vectors
 * @throws {ArgumentError} if it has no column of the wanted name
 */
export async function openArrow(
  source: ByteSource,
  options: ColumnOptions = {},
): Promise<RowReader> {
  return openColumnar(source, openArrowColumns, options);
}
