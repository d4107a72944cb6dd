import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Matrix, sliceRows } from "@tessera/core";
import { decodeNpy } from "@tessera/io";
import { beforeAll, describe, expect, it } from "vitest";
import { sampleRows, temporaryFolder, tessera, writeVectors } from "../../test/harness.js";

const folder = await temporaryFolder();
const at = (name: string) => join(folder, name);
const vectors = at("vectors.npy");
const queries = at("queries.npy");
const labels = at("labels.txt");
const index = at("x.index.safetensors");
const ROWS = 150;
const rows: Matrix = sampleRows(ROWS, 8);

beforeAll(async () => {
  await writeVectors(vectors, rows);
  await writeVectors(queries, sliceRows(rows, 20, 27));
  await writeFile(labels, Array.from({ length: ROWS }, (_, i) => `thing ${i}`).join("\n"));
  const argv = ["index", vectors, "--spec", "vq4+pq4x16", "--lists", "--out", index];
  const { code, err } = await tessera(argv);
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

async function json(argv: readonly string[]) {
  const { code, out, err } = await tessera([...argv, "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as {
    spec: string;
    ids: number[][];
    distances: number[][];
    bytesPerVector: number;
  };
}

async function fails(argv: readonly string[], code: number, ...lines: string[]) {
  const result = await tessera(argv);
  expect(result.err.trimEnd().split("\n")).toEqual(lines);
  expect([result.code, result.out]).toEqual([code, ""]);
}

describe("index", () => {
  it("reports what it made, and makes the same from a model", async () => {
    const model = at("model.safetensors");
    await tessera(["fit", vectors, "--spec", "pq4x16", "--out", model]);
    const made = ["index", vectors, "--out", at("m.index.safetensors"), "--model", model];
    expect(await json(made)).toMatchObject({
      spec: "pq4x16",
      rows: ROWS,
      dimension: 8,
      lists: 0,
      bytesPerVector: 2,
    });
    await json(["index", vectors, "--spec", "pq4x16", "--out", at("s.index.safetensors")]);
    const files = ["m.index.safetensors", "s.index.safetensors"].map((name) => readFile(at(name)));
    const [one, other] = await Promise.all(files);
    expect(one).toEqual(other);
  });

  it("says in prose what it made", async () => {
    const { out } = await tessera(["index", vectors, "--spec=sq8", "--out", at("p.safetensors")]);
    expect(out).toMatch(
      /^sq8 index of 150 × 8 in .*\n8 bytes a vector instead of 32; the file has /,
    );
  });

  it("is shown by inspect", async () => {
    const { out } = await tessera(["inspect", index]);
    expect(out).toMatch(/^x\.index\.safetensors {2}Tessera index, /);
    expect(out).toMatch(/\ncodes +U8 +\[150, 3\]/);
  });

  it("needs one thing to quantize with", async () => {
    const usage = ["index", vectors, "--out", at("no.safetensors")];
    await fails(
      usage,
      2,
      "tessera: index needs --spec or --model",
      "hint: try --spec pq16x256, or give a model that tessera fit wrote",
    );
    await fails(
      [...usage, "--spec=sq8", "--model=m"],
      2,
      "tessera: --spec and --model both say what to quantize with",
      "hint: give one of them",
    );
    await fails(
      [...usage, "--spec=sq8", "--lists"],
      1,
      "tessera: lists need a model whose first level is a vq",
      "hint: such as vq1024+pq16x256, vq256+sq8 or rq4x256",
    );
  });
});

describe("search", () => {
  it("of vectors is exact", async () => {
    const found = await json(["search", vectors, queries, "--k", "3"]);
    expect(found).toMatchObject({ spec: "exact", rows: ROWS, queries: 7, k: 3 });
    expect(found.ids.map(([first]) => first)).toEqual([20, 21, 22, 23, 24, 25, 26]);
    expect(found.distances[0]![0]).toBeCloseTo(0, 4);
  });

  it("of an index agrees with search by the same spec, and is exact with enough candidates", async () => {
    const all = ["--k", "5", "--nprobe", "4"];
    const stored = await json(["search", index, queries, ...all]);
    const spec = ["--spec", "vq4+pq4x16", "--lists"];
    const fresh = await json(["search", vectors, queries, ...spec, ...all]);
    expect([stored.ids, stored.distances]).toEqual([fresh.ids, fresh.distances]);
    const exact = await json(["search", vectors, queries, "--k", "5"]);
    const again = ["--rescore", "30", "--vectors", vectors];
    const rescored = await json(["search", index, queries, ...all, ...again]);
    expect(rescored.ids).toEqual(exact.ids);
  });

  it("takes a row, or the row of a name", async () => {
    const byRow = await json(["search", vectors, "--row", "33", "--k", "4"]);
    const byName = await json(["search", vectors, "--labels", labels, "--query=thing 33", "--k=4"]);
    expect(byName.ids).toEqual(byRow.ids);
    expect(byRow.ids[0]![0]).toBe(33);
    const { out } = await tessera(["search", vectors, "--labels", labels, "--query=thing 33"]);
    expect(out).toMatch(/^exact search of vectors\.npy: 1 query in 150 rows, /);
    expect(out).toMatch(/\n +distance +thing 33\n 1 +\S+ +thing 33\n/);
    const many = await tessera(["search", vectors, queries, "--k", "2"]);
    expect(many.out).toContain("and 2 more; --out FILE or --json gives all");
  });

  it("writes neighbours as JSON, or their ids as an array", async () => {
    const found = await json(["search", vectors, queries, "--k=2", "--out", at("n.json")]);
    const { ids, distances } = found;
    expect(JSON.parse(await readFile(at("n.json"), "utf8"))).toEqual({ ids, distances });
    await json(["search", vectors, queries, "--k=2", "--out", at("n.npy")]);
    const array = decodeNpy(await readFile(at("n.npy")));
    expect(array).toMatchObject({ dtype: "I32", shape: [7, 2] });
    expect([...(array.data as Int32Array)]).toEqual(ids.flat());
  });

  it("says what is missing or too much", async () => {
    const hint = "hint: give a file of queries, --row N or --query NAME";
    await fails(["search", vectors], 2, "tessera: search needs queries", hint);
    const two = ["search", vectors, queries, "--row=1"];
    await fails(two, 2, "tessera: there is more than one thing to search for", hint);
    await fails(
      ["search", vectors, "--row", "150"],
      1,
      "tessera: there is no row 150: rows are 0 to 149",
    );
    await fails(
      ["search", index, "--row", "1"],
      2,
      "tessera: --row names a row, and an index has only codes",
      "hint: give the vectors that it was made of with --vectors FILE",
    );
    await fails(
      ["search", vectors, "--query", "thing 1"],
      2,
      "tessera: --query names a vector, and the vectors have no names",
      "hint: give them with --labels FILE",
    );
    await fails(
      ["search", vectors, "--labels", labels, "--query", "thin 33"],
      1,
      'tessera: no vector is called "thin 33"',
      "hint: did you mean thing 33?",
    );
    await fails(
      ["search", vectors, queries, "--nprobe", "2"],
      2,
      `tessera: --nprobe is about an index, and ${vectors} is searched exactly`,
      "hint: give --spec to search by codes, such as --spec pq16x256",
    );
    await fails(
      ["search", index, queries, "--seed", "2"],
      2,
      `tessera: --seed is about making an index, and ${index} is one`,
      "hint: leave it out, or search the file of vectors",
    );
    await fails(
      ["search", vectors, queries, "--vectors", vectors],
      2,
      `tessera: --vectors gives the vectors of an index, and ${vectors} is none`,
      "hint: leave it out: the file has the vectors",
    );
  });

  it("says which file does not fit", async () => {
    const narrow = await writeVectors(at("narrow.npy"), sampleRows(9, 3));
    await fails(
      ["search", vectors, narrow],
      1,
      `tessera: ${narrow} has rows of 3 values; what is searched has rows of 8`,
    );
    await fails(
      ["search", index, queries, "--rescore=2", "--vectors", narrow],
      1,
      `tessera: ${narrow} is [9, 3]; ${index} holds [150, 8]`,
      "hint: give the vectors that the index was made of",
    );
    await writeFile(at("few.txt"), "one\ntwo\n");
    await fails(
      ["search", vectors, queries, "--labels", at("few.txt")],
      1,
      `tessera: ${at("few.txt")} has 2 lines; ${vectors} has 150 rows`,
      "hint: there must be one name per row, in the same order",
    );
    const bytes = await readFile(index);
    await writeFile(at("half.safetensors"), bytes.subarray(0, bytes.length - 9));
    const { code, err } = await tessera(["search", at("half.safetensors"), queries]);
    expect(code).toBe(1);
    expect(err).toMatch(/^tessera: .*safetensors/);
  });
});
