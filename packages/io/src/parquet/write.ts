import { ArgumentError } from "@tessera/core";
import type { ParquetWriter } from "hyparquet-writer";

/** What each row of a column that is written holds. Integers are of 32 bits and not negative. */
export type ParquetType = "text" | "integer" | "texts" | "integers";

type Value<T extends ParquetType> = {
  text: string;
  integer: number;
  texts: readonly string[];
  integers: readonly number[];
}[T];

/** Columns of some rows, each with as many values. */
export type ParquetRows<T extends Readonly<Record<string, ParquetType>>> = {
  readonly [Name in keyof T]: readonly Value<T[Name]>[];
};

/**
 * Rows as a Parquet file, piece by piece: each batch becomes a row group, compressed by snappy. No value may be missing.
 *
 * @param types of the columns by their names, in their order
 * @returns the bytes, to be joined
 * @throws {ArgumentError} if a batch lacks a column, or its columns have different lengths
 */
export async function* encodeParquet<const T extends Readonly<Record<string, ParquetType>>>(
  types: T,
  batches: AsyncIterable<ParquetRows<T>> | Iterable<ParquetRows<T>>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const library = await import("hyparquet-writer");
  const names = Object.keys(types);
  if (names.length === 0) throw new ArgumentError("a Parquet file needs a column");
  const writer = new library.ByteWriter();
  const take = (): Uint8Array => {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  };
  const schema = [
    { name: "schema", num_children: names.length },
    ...names.flatMap((name) => schemaOf(name, types[name]!)),
  ];
  const file = new library.ParquetWriter({ writer, schema, createdBy: "tessera" });
  for await (const batch of batches) {
    const columnData = names.map((name) => ({ name, data: [...(batch[name] ?? [])] }));
    const rows = columnData[0]!.data.length;
    const other = columnData.find(({ data }) => data.length !== rows);
    if (other !== undefined) {
      throw new ArgumentError(
        `column ${JSON.stringify(other.name)} has ${other.data.length} rows; ${JSON.stringify(names[0])} has ${rows}`,
      );
    }
    if (rows > 0) await file.write({ columnData, rowGroupSize: rows });
    yield take();
  }
  await file.finish();
  yield take();
}

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

/** A column's part of the tree of types, lists as Parquet wants them now. */
function schemaOf(name: string, type: ParquetType): SchemaElement[] {
  const isText = type.startsWith("text");
  const value = {
    type: isText ? "BYTE_ARRAY" : "INT32",
    converted_type: isText ? "UTF8" : "UINT_32",
    repetition_type: "REQUIRED",
  } as const;
  if (!type.endsWith("s")) return [{ name, ...value }];
  return [
    { name, repetition_type: "REQUIRED", converted_type: "LIST", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", ...value },
  ];
}
