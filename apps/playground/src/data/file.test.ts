import { readFileSync } from "node:fs";
import { FormatError } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { readFile } from "./file.js";

const golden = new URL("../../../../packages/io/test/golden/columnar/", import.meta.url);
const { signal } = new AbortController();

const read = (name: string): ReturnType<typeof readFile> =>
  readFile(new File([new Uint8Array(readFileSync(new URL(name, golden)))], name), signal);

describe("a file that a visitor drops", () => {
  it.each(["snappy.parquet", "zstd.parquet", "file.arrow", "stream.arrow", "feather.feather"])(
    "may be %s",
    async (name) => {
      const { labels, rows, title } = await read(name);
      expect(title).toBe(name);
      expect(rows).toMatchObject({ rows: 6, cols: 4 });
      expect([...rows.data.subarray(0, 5)]).toEqual([-2, -1.75, -1.5, -1.25, -1]);
      expect(labels?.slice(0, 2)).toEqual(["item-0", "item-1"]);
    },
  );

  it("may be text, whose rows have names", async () => {
    const lines = ['{"text":"red","v":[1,2],"id":7}', '{"text":"blue","v":[3,4],"id":8}'];
    const jsonl = await readFile(new File([lines.join("\n")], "x.jsonl"), signal);
    expect(jsonl).toMatchObject({ rows: { rows: 2, cols: 2 }, labels: ["red", "blue"] });
    const csv = await readFile(new File(["word,x,y\nred,1,2\nblue,3,4\n"], "x.csv"), signal);
    expect(csv).toMatchObject({ rows: { rows: 2, cols: 2 }, labels: ["red", "blue"] });
    const plain = await readFile(new File(["1,2\n3,4\n"], "x.csv"), signal);
    expect(plain.labels).toBeUndefined();
  });

  it("is refused with a reason", async () => {
    await expect(read("two.parquet")).rejects.toThrow("2 columns of lists of numbers");
    await expect(read("ragged.arrow")).rejects.toThrow(FormatError);
    await expect(read("nan.parquet")).rejects.toThrow("row 3");
  });
});
