import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeNpy } from "@tessera/io";
import { openVectors } from "@tessera/io/node";
import { readIds } from "@tessera/semantic-ids";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder, tessera, writeVectors } from "../../test/harness.js";

const golden = fileURLToPath(new URL("../../../io/test/golden/columnar/", import.meta.url));
const folder = await temporaryFolder();
const at = (name: string) => join(folder, name);
const vectors = at("vectors.npy");
const model = at("model.safetensors");
/** Each holds the rows of the .npy file. */
const FILES = ["zstd.parquet", "stream.arrow", "feather.feather"].map((name) => golden + name);

/** What a command finds, without the time that it took. */
async function json(...argv: string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await tessera([...argv, "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return { ...(JSON.parse(out) as Record<string, unknown>), seconds: undefined };
}

beforeAll(async () => {
  const file = await openVectors(FILES[0]!);
  await writeVectors(vectors, await file.readAll());
  await file.close();
  await json("fit", vectors, "--spec", "rq2x2", "--out", model);
});

describe.each(FILES)("%s", (path) => {
  it("is learned from, encoded and measured as an .npy file is", async () => {
    await json("fit", path, "--spec", "rq2x2", "--out", at("same.safetensors"));
    expect(await readFile(at("same.safetensors"))).toEqual(await readFile(model));
    const codes = [vectors, path].map(async (input, i) => {
      await json("encode", input, "--model", model, "--out", at(`codes${i}.npy`));
      return decodeNpy(await readFile(at(`codes${i}.npy`)));
    });
    expect(await codes[1]).toEqual(await codes[0]);
    expect(await json("eval", path, "--model", model)).toEqual(
      await json("eval", vectors, "--model", model),
    );
  });

  it("gives items their ids and names", async () => {
    const out = at("ids.json");
    await json("ids", path, "--spec", "rq2x2", "--group", "kind", "--out", out);
    const { items } = readIds(await readFile(out, "utf8"));
    expect(items).toEqual(Array.from({ length: 6 }, (_, i) => `item-${i}`));
    const named = await tessera(["ids", path, "--spec", "vq2", "--names", "kind,id"]);
    expect(named.out).toContain("tool item-0");
    const wrong = await tessera(["ids", path, "--spec", "vq2", "--id", "sku"]);
    expect(wrong.err).toContain(`--id: no item of ${path.slice(golden.length)} has a field "sku"`);
  });

  it("is searched and inspected", async () => {
    expect(await json("inspect", path)).toMatchObject({ rows: 6, columns: 4, dtype: "F32" });
    const found = await json("search", path, path, "--k", "1");
    expect(found).toEqual(await json("search", vectors, vectors, "--k", "1"));
  });
});

describe("a .parquet file that is written", () => {
  it("has the ids and codes of the rows", async () => {
    for (const [input, ids] of [
      [FILES[1]!, Array.from({ length: 6 }, (_, i) => `item-${i}`)],
      [vectors, undefined],
    ] as const) {
      const out = at("codes.parquet");
      await json("encode", input, "--model", model, "--out", at("codes.npy"));
      const written = await json("encode", input, "--model", model, "--out", out);
      expect(written).toMatchObject({ rows: 6, columns: 2 });
      const codes = decodeNpy(await readFile(at("codes.npy"))).data as Uint8Array;
      const file = await openVectors(out);
      const found = await file.readAll();
      await file.close();
      expect([...found.data]).toEqual([...codes]);
      expect(found.ids).toEqual(ids);
      for (const [codes, decoded] of [
        [out, at("a.npy")],
        [at("codes.npy"), at("b.npy")],
      ] as const) {
        await json("decode", codes, "--model", model, "--out", decoded);
      }
      expect(await readFile(at("a.npy"))).toEqual(await readFile(at("b.npy")));
    }
  });

  it("has the Semantic IDs of the items", async () => {
    const argv = ["ids", FILES[0]!, "--spec", "rq2x2", "--out"];
    await json(...argv, at("ids.json"));
    await json(...argv, at("ids.parquet"));
    const { items, ids } = readIds(await readFile(at("ids.json"), "utf8"));
    const file = await openVectors(at("ids.parquet"));
    const found = await file.readAll();
    await file.close();
    expect(found).toMatchObject({ rows: 6, cols: 3, ids: items });
    const wrong = await tessera(["decode", at("ids.parquet"), "--model", model, "--out", at("x")]);
    expect(wrong.err).toContain("has 3 codes in a row; this model's have 2");
    const both = await tessera([...argv, at("ids.parquet"), "--format", "index"]);
    expect(both).toMatchObject({ code: 2 });
    expect([...found.data]).toEqual(items.flatMap((_, row) => ids.id(row)));
  });
});

describe("--column", () => {
  it.each(["two.parquet", "two.arrow"])("chooses among the columns of %s", async (name) => {
    const path = golden + name;
    expect(await json("inspect", path, "--column", "image")).toMatchObject({ dtype: "F64" });
    const unsaid = await tessera(["inspect", path], { columns: 40 });
    expect(unsaid.code).toBe(1);
    expect(unsaid.err.replaceAll(/\s+/g, " ")).toContain(
      'has 2 columns of lists of numbers: "title" (list of float32), "image" (list of float64)',
    );
    const wrong = await tessera(["inspect", path, "--column", "id"]);
    expect(wrong.err).toContain('column "id" is of type text, not lists of numbers');
  });

  it("is in the help of every command that reads vectors, on a narrow terminal too", async () => {
    for (const name of [
      "ids",
      "fit",
      "encode",
      "eval",
      "index",
      "search",
      "recommend",
      "inspect",
    ]) {
      const { out } = await tessera([name, "--help"], { columns: 40 });
      expect(out).toContain("--column NAME");
      for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    }
  });
});

it("says which row of a file is no vector, and what is wrong with one that is cut short", async () => {
  const ragged = await tessera(["fit", `${golden}ragged.arrow`, "--spec", "vq2", "--out", at("m")]);
  expect(ragged).toMatchObject({ code: 1 });
  expect(ragged.err).toContain('row 3 of column "embedding" has 3 values; row 0 has 4');
  const cut = at("cut.parquet");
  await writeFile(cut, (await readFile(FILES[0]!)).subarray(0, 500));
  const { code, err } = await tessera(["inspect", cut]);
  expect(code).toBe(1);
  expect(err).toContain(`${cut}: it does not end as a Parquet file does`);
});
