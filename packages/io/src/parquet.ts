/**
 * Parquet files: `@tessera/io/parquet`. `openVectorSource` and `openVectors` load it when they meet one.
 */
import { openColumnar } from "./columnar/reader.js";
import type { ColumnOptions } from "./columnar/columns.js";
import { openParquetColumns } from "./parquet/open.js";
import type { RowReader } from "./row-reader.js";
import type { ByteSource } from "./source.js";

export { encodeParquet, type ParquetRows, type ParquetType } from "./parquet/write.js";

/**
 * The vectors of a Parquet file: a column of lists of numbers, or columns of numbers.
 *
 * @throws {FormatError} if the file is damaged, or no one column is the vectors
 * @throws {ArgumentError} if it has no column of the wanted name
 */
export async function openParquet(
  source: ByteSource,
  options: ColumnOptions = {},
): Promise<RowReader> {
  return openColumnar(source, openParquetColumns, options);
}
