import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArgumentError } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { encodeParquet, type ParquetRows, type ParquetType } from "./parquet.js";
import { decodeVectors } from "./vectors.js";

const TYPES = { id: "text", codes: "integers", tokens: "texts", rank: "integer" } as const;
const BATCHES: ParquetRows<typeof TYPES>[] = [
  {
    id: ["a", "ü"],
    codes: [
      [1, 2],
      [255, 2 ** 24],
    ],
    tokens: [["<a_1>", "<b_2>"], ["<a_255>"]],
    rank: [0, 2 ** 32 - 1],
  },
  { id: ["c"], codes: [[0, 0]], tokens: [["<a_0>", "<b_0>"]], rank: [7] },
];

async function encode<const T extends Readonly<Record<string, ParquetType>>>(
  types: T,
  batches: readonly ParquetRows<T>[],
): Promise<Uint8Array> {
  const pieces = [];
  for await (const bytes of encodeParquet(types, batches)) pieces.push(bytes);
  return new Uint8Array(await new Blob(pieces.map((bytes) => bytes.slice())).arrayBuffer());
}

/** What pyarrow reads; `undefined` where there is none. */
function pyarrow(bytes: Uint8Array): unknown {
  const python = process.env["TESSERA_PYTHON"] ?? "python3";
  const folder = mkdtempSync(join(tmpdir(), "tessera-parquet-"));
  try {
    execFileSync(python, ["-c", "import pyarrow.parquet"], { stdio: "ignore" });
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  try {
    const path = join(folder, "x.parquet");
    writeFileSync(path, bytes);
    const script =
      "import json,sys,pyarrow.parquet as p; print(json.dumps(p.read_table(sys.argv[1]).to_pydict()))";
    return JSON.parse(execFileSync(python, ["-c", script, path], { encoding: "utf8" }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hasPyarrow = pyarrow(await encode({ x: "integer" }, [])) !== undefined;

describe("a Parquet file that is written", () => {
  it("is read back", async () => {
    const bytes = await encode(TYPES, BATCHES);
    const found = await decodeVectors(bytes, "x.parquet", { items: true });
    expect(found).toMatchObject({ rows: 3, cols: 2, ids: ["a", "ü", "c"] });
    expect([...found.data]).toEqual([1, 2, 255, 2 ** 24, 0, 0]);
    expect(found.items?.map(({ rank }) => rank)).toEqual([0, 2 ** 32 - 1, 7]);
  });

  it("may have no rows", async () => {
    const bytes = await encode(TYPES, []);
    await expect(decodeVectors(bytes, "x.parquet")).rejects.toThrow("x.parquet has no rows");
  });

  it("has columns of one length", async () => {
    const wrong = encode({ a: "integer", b: "integer" }, [{ a: [1], b: [] }]);
    await expect(wrong).rejects.toThrow(new ArgumentError('column "b" has 0 rows; "a" has 1'));
    await expect(encode({}, [])).rejects.toThrow(ArgumentError);
  });

  it.skipIf(!hasPyarrow)("is what pyarrow reads", async () => {
    const rows = (name: keyof typeof TYPES): unknown =>
      BATCHES.flatMap((batch) => [...batch[name]]);
    expect(pyarrow(await encode(TYPES, BATCHES))).toEqual({
      id: rows("id"),
      codes: rows("codes"),
      tokens: rows("tokens"),
      rank: rows("rank"),
    });
  });
});
