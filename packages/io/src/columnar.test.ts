import { ArgumentError, FormatError, NonFiniteError } from "@tessera/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { columnarFiles, golden, memorySource } from "../test/files.js";
import { blobSource } from "./source.js";
import { decodeVectors, openVectorSource } from "./vectors.js";

const ROWS = 6;
const COLS = 4;
/** What `make.py` writes. */
const VALUES = Float32Array.from(
  { length: ROWS * COLS },
  (_, i) => Math.floor(i / COLS) + (i % COLS) / 4 - 2,
);
const COUNTS = Float32Array.from(
  { length: ROWS * COLS },
  (_, i) => Math.floor(i / COLS) + (i % COLS),
);
const IDS = Array.from({ length: ROWS }, (_, i) => `item-${i}`);
const KINDS = ["tool", "part", "tool", "tool", "part", "tool"];

const WHOLE = [
  ...["none", "snappy", "gzip", "brotli", "lz4", "zstd", "v2", "groups", "pages", "plain"].map(
    (name) => `${name}.parquet`,
  ),
  ...["file", "batches", "stream", "lz4", "zstd"].map((name) => `${name}.arrow`),
  "feather.feather",
];

const bytesOf = (name: string): Uint8Array => golden(`columnar/${name}`);

describe.each(WHOLE)("%s, as pyarrow writes it", (name) => {
  it("is read with its ids and other columns", async () => {
    const found = await decodeVectors(bytesOf(name), name, { items: true, batchRows: 4 });
    expect(found).toMatchObject({ data: VALUES, rows: ROWS, cols: COLS, ids: IDS });
    expect(found.items).toEqual(
      IDS.map((id, i) => ({
        id,
        kind: KINDS[i],
        price: [1, null, 3, 4, 5, String(2n ** 60n)][i],
        sold: [true, false, true, null, true, false][i],
      })),
    );
  });

  it("is recognised by its content, and read in batches, anew each time", async () => {
    const file = await openVectorSource(blobSource(new Blob([bytesOf(name).slice()])), {
      batchRows: 4,
    });
    const format = name.endsWith("parquet") ? "parquet" : "arrow";
    expect(file).toMatchObject({ format, rows: ROWS, cols: COLS, dtype: "F32" });
    for (let pass = 0; pass < 2; pass++) {
      const ids = [];
      const values: number[] = [];
      for await (const batch of file) {
        ids.push(batch.ids);
        values.push(...batch.data);
      }
      expect(ids).toEqual([IDS.slice(0, 4), IDS.slice(4)]);
      expect(values).toEqual([...VALUES]);
    }
  });
});

describe("without the codecs of Node, as in a browser", () => {
  afterEach(() => void vi.restoreAllMocks());

  it.each(["gzip.parquet", "brotli.parquet", "zstd.parquet", "zstd.arrow"])(
    "%s is read",
    async (name) => {
      vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
      expect(await decodeVectors(bytesOf(name), name)).toMatchObject({ data: VALUES, ids: IDS });
    },
  );
});

describe("a file of columns", () => {
  it.each([
    ["split.parquet", "F32", VALUES],
    ["delta-length.parquet", "F32", VALUES],
    ["delta.parquet", "I64", Float32Array.from(IDS.flatMap((_, j) => [-2, 0, 2 ** 31, j]))],
    ["struct.parquet", "F64", VALUES],
    ["list-halffloat.parquet", "F16", COUNTS],
    ["list-double.parquet", "F64", COUNTS],
    ["list-int8.parquet", "I32", COUNTS],
    ["list-uint8.parquet", "U32", COUNTS],
    ["list-int32.parquet", "I32", COUNTS],
    ["list-uint64.parquet", "U64", COUNTS],
    ["columns.parquet", "F64", VALUES],
    ["columns.arrow", "F64", VALUES],
    ["lists.arrow", "F32", VALUES],
    ["large.arrow", "F32", VALUES],
    ["half.arrow", "F16", VALUES],
  ])("%s is read as %s", async (name, dtype, values) => {
    const file = await openVectorSource(memorySource(bytesOf(name), name));
    expect(file).toMatchObject({ rows: ROWS, cols: COLS, dtype });
    const { data, ids } = await file.readAll();
    expect(data).toEqual(values);
    expect(ids).toEqual(IDS);
  });

  it("may begin within what was cut", async () => {
    const { data, ids } = await decodeVectors(bytesOf("sliced.arrow"), "x.arrow");
    expect([data, ids]).toEqual([VALUES.subarray(COLS, 5 * COLS), IDS.slice(1, 5)]);
  });

  it("may have views of texts", async () => {
    const { ids } = await decodeVectors(bytesOf("view.arrow"), "x.arrow");
    expect(ids).toEqual(IDS.map((id) => id.repeat(3)));
  });

  it.each(["two.parquet", "two.arrow"])(
    "with two candidates asks for a choice: %s",
    async (name) => {
      const bytes = bytesOf(name);
      await expect(decodeVectors(bytes, name)).rejects.toThrow(
        `${name} has 2 columns of lists of numbers: "title" (list of float32), "image" (list of float64)`,
      );
      const chosen = await decodeVectors(bytes, name, { column: "image" });
      expect(chosen).toMatchObject({ data: VALUES, ids: IDS });
      await expect(decodeVectors(bytes, name, { column: "text" })).rejects.toThrow(
        new ArgumentError(
          `${name} has no column "text"; it has "title" (list of float32), "image" (list of float64), "id" (text)`,
        ),
      );
      await expect(decodeVectors(bytes, name, { column: "id" })).rejects.toThrow(
        `${name} column "id" is of type text, not lists of numbers`,
      );
      await expect(decodeVectors(bytes, name, { column: "" })).rejects.toThrow(ArgumentError);
    },
  );

  it("without vectors lists what it has", async () => {
    await expect(decodeVectors(bytesOf("texts.parquet"), "x")).rejects.toThrow(
      `x has no column of lists of numbers; it has "id" (text), "kind" (text)`,
    );
  });

  it.each(["parquet", "arrow"])("names the row that is no vector: %s", async (extension) => {
    const read = (name: string): Promise<unknown> => {
      const file = `${name}.${extension}`;
      return decodeVectors(bytesOf(file), file, { batchRows: 5 });
    };
    await expect(read("null-row")).rejects.toThrow(
      `null-row.${extension}: row 3 of column "embedding" is null`,
    );
    await expect(read("null-value")).rejects.toThrow(
      `row 3 of column "embedding" has null as its value 2`,
    );
    await expect(read("ragged")).rejects.toThrow(
      `row 3 of column "embedding" has 3 values; row 0 has 4`,
    );
    await expect(read("ragged")).rejects.toThrow(FormatError);
    const failure = await read("nan").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NonFiniteError);
    expect(failure).toMatchObject({ row: 3 });
    await expect(read("empty")).rejects.toThrow(`empty.${extension} has no rows`);
  });

  it("names a row whose list is empty", async () => {
    await expect(decodeVectors(bytesOf("empty-list.parquet"), "x")).rejects.toThrow(
      `row 3 of column "embedding" is an empty list`,
    );
  });

  it("is read a part at a time", async () => {
    for (const name of ["groups.parquet", "batches.arrow"]) {
      const bytes = bytesOf(name);
      const source = memorySource(bytes, name);
      const rows = (await openVectorSource(source, { batchRows: 1 }))[Symbol.asyncIterator]();
      const before = source.bytesRead;
      await rows.next();
      expect(source.bytesRead - before).toBeLessThan(bytes.length / 2);
    }
  });
});

it("all golden files are small, and read or refused for a reason", async () => {
  for (const name of columnarFiles()) {
    const bytes = bytesOf(name);
    expect(bytes.length).toBeLessThan(4096);
    await decodeVectors(bytes, name).catch((error: unknown) => {
      expect(String(error)).toMatch(/FormatError|NonFiniteError/);
    });
  }
});
