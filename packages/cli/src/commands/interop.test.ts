import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readFaiss, readVectorQuantizePytorch } from "@tessera/interop";
import { decodeNpy } from "@tessera/io";
import { displayWidth } from "@tessera/semantic-ids";
import { beforeAll, describe, expect, it } from "vitest";
import { filesIn, sampleRows, temporaryFolder, tessera, writeVectors } from "../../test/harness.js";

const folder = await temporaryFolder();
const at = (name: string) => join(folder, name);
const golden = fileURLToPath(new URL("../../../interop/test/golden/", import.meta.url));
const ivfpq = join(golden, "faiss/ivfpq-ids.index");
const flat = join(golden, "faiss/flat-l2.index");
const out = at("out");
const vectors = at("vectors.npy");
const model = at("model.safetensors");

async function json(...argv: string[]): Promise<Record<string, unknown>> {
  const { code, out: printed, err } = await tessera([...argv, "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(printed) as Record<string, unknown>;
}

/** Runs a command line that must fail, with this on stderr and nothing written. */
async function fails(argv: readonly string[], code: number, ...lines: string[]): Promise<void> {
  const result = await tessera(argv);
  expect(result).toEqual({ code, out: "", err: `${lines.join("\n")}\n` });
  expect(await filesIn(out)).toEqual([]);
}

beforeAll(async () => {
  await mkdir(out);
  await writeVectors(vectors, sampleRows(60, 8));
  const { code } = await tessera(["fit", vectors, "--spec", "opq>vq4+pq2x8", "--out", model]);
  expect(code).toBe(0);
});

describe("import", () => {
  it("makes a model, codes and ids of a faiss index", async () => {
    const made = at("imported.safetensors");
    const outputs = ["--out", made, "--codes", at("codes.npy"), "--ids", at("ids.json")];
    expect(await json("import", "faiss", ivfpq, ...outputs)).toEqual({
      format: "faiss",
      description: "IndexIVFPQ",
      metric: "l2",
      rows: 40,
      dimension: 8,
      spec: "vq4+pq2x8",
      bitsPerRow: 8,
      model: made,
      codes: at("codes.npy"),
      ids: at("ids.json"),
      vectors: null,
    });
    expect(await json("inspect", made)).toMatchObject({ spec: "vq4+pq2x8" });
    const { codes } = readFaiss(await readFile(ivfpq));
    expect(decodeNpy(await readFile(at("codes.npy")), "codes").data).toEqual(codes!.data);
    expect(JSON.parse(await readFile(at("ids.json"), "utf8"))).toEqual(
      Array.from({ length: 40 }, (_, i) => 7 + 3 * i),
    );
    // And back.
    const back = ["--codes", at("codes.npy"), "--ids", at("ids.json"), "--out", at("back.index")];
    await json("export", "faiss", made, ...back);
    const again = readFaiss(await readFile(at("back.index")));
    expect(again).toEqual(readFaiss(await readFile(ivfpq)));
  });

  it("takes the rows out of a flat index", async () => {
    const found = await json("import", "faiss", flat, "--rows", at("rows.npy"));
    expect(found).toMatchObject({ description: "IndexFlatL2", model: null });
    const { shape, data } = decodeNpy(await readFile(at("rows.npy")), "rows");
    expect(shape).toEqual([40, 8]);
    expect(data).toEqual(readFaiss(await readFile(flat)).rows!.data);
  });

  it("makes a model of a checkpoint", async () => {
    const checkpoint = join(golden, "torch/rvq-cosine.safetensors");
    const made = at("torch.safetensors");
    const options = ["--out", made, "--cosine"];
    expect(await json("import", "torch", checkpoint, ...options)).toMatchObject({
      format: "torch",
      spec: "vq8(metric=cosine)+vq8(metric=cosine)",
      dimension: 8,
    });
    expect(await json("eval", vectors, "--model", made)).toMatchObject({ rows: 60 });
  });

  it.each([60, 100])("says what it found in %i columns", async (columns) => {
    const index = join(golden, "faiss/opq.index");
    const argv = ["import", "faiss", index, "--out", at("wide.safetensors")];
    const result = await tessera(argv, { columns, env: { NO_COLOR: "1" } });
    expect(result.code).toBe(0);
    expect(result.out).toContain("opq2x8");
    const lines = result.out.trimEnd().split("\n");
    expect(lines.filter((line) => displayWidth(line) > columns)).toEqual([]);
  });
});

describe("export", () => {
  it("encodes vectors into a faiss index", async () => {
    const index = at("x.index");
    const options = ["--vectors", vectors, "--metric", "ip", "--out", index];
    const { bytes } = await json("export", "faiss", model, ...options);
    const written = await readFile(index);
    expect(bytes).toBe(written.length);
    const { description, metric, codes } = readFaiss(written);
    expect(description).toBe("IndexPreTransform(LinearTransform > IndexIVFPQ)");
    expect(metric).toBe("ip");
    await json("encode", vectors, "--model", model, "--out", at("own.npy"));
    expect(codes!.data).toEqual(decodeNpy(await readFile(at("own.npy")), "codes").data);
  });

  it("writes an empty index, or a checkpoint", async () => {
    expect(await json("export", "faiss", model, "--out", at("empty.index"))).toMatchObject({
      rows: 0,
    });
    const rq = at("rq.safetensors");
    await json("fit", vectors, "--spec", "rq2x8", "--out", rq);
    const found = await json("export", "torch", rq, "--out", at("checkpoint.safetensors"));
    expect(found).toMatchObject({ format: "torch", spec: "rq2x8" });
    const read = readVectorQuantizePytorch(await readFile(at("checkpoint.safetensors")));
    expect(read.spec).toMatchObject({ kind: "residual" });
  });

  it("says what it wrote", async () => {
    const { out: said } = await tessera(["export", "faiss", model, "--out", at("said.index")]);
    expect(said).toMatch(/^opq>vq4\+pq2x8 written as a faiss index, 0 rows: \d+ B\n$/);
  });
});

describe("bad input", () => {
  const target = join(out, "x");

  it("another format", () =>
    fails(
      ["import", "fais", flat, "--out", target],
      2,
      'tessera: the format is "fais"; it may be faiss or torch',
      "hint: did you mean faiss?",
    ));

  it("an option of the other format", () =>
    fails(
      ["export", "torch", model, "--metric=ip", "--out", target],
      2,
      "tessera: --metric is for faiss, not for torch",
      "hint: leave it out",
    ));

  it("nothing to write", async () => {
    const { code, err } = await tessera(["import", "faiss", flat]);
    expect(code).toBe(2);
    expect(err).toMatch(/^tessera: import needs --out\nhint: usage: tessera import/);
  });

  it("codes and vectors", () =>
    fails(
      ["export", "faiss", model, "--codes=c.npy", "--vectors=v.npy", "--out", target],
      2,
      "tessera: --codes and --vectors are both given",
      "hint: leave one of them out",
    ));

  it("a model of a flat index", () =>
    fails(
      ["import", "faiss", flat, "--out", target],
      1,
      `tessera: ${flat} is IndexFlatL2, which has no model`,
      "hint: its rows are there: --rows rows.npy",
    ));

  it("a file that is no index, or a damaged one", async () => {
    await fails(
      ["import", "faiss", vectors, "--out", target],
      1,
      `tessera: ${vectors}: this is not a faiss index`,
      "hint: write it with faiss.write_index",
    );
    await writeFile(at("cut.index"), (await readFile(flat)).subarray(0, 100));
    await fails(
      ["import", "faiss", at("cut.index"), "--out", target],
      1,
      `tessera: ${at("cut.index")}: faiss index: the rows takes 1280 bytes at byte 45; 55 are left`,
      "hint: the file is cut short or damaged, or is not a faiss index",
    );
  });

  it("a checkpoint without codebooks", () =>
    fails(
      ["import", "torch", model, "--out", target],
      1,
      `tessera: ${model}: the checkpoint has no tensor named "…_codebook.embed"`,
      "hint: it may be an FSQ or LFQ, which have no codebooks: their levels are all that there is to know",
    ));

  it("a model that the other side has no form for", () =>
    fails(
      ["export", "torch", model, "--out", target],
      1,
      `tessera: ${model}: vector-quantize-pytorch has no module of codebooks that does as opq>vq4+pq2x8`,
      "hint: it has vq, pq, rq, and split of rq",
    ));

  it("ids that are none, or too few", async () => {
    const ids = at("wrong.json");
    const argv = ["export", "faiss", model, "--ids", ids, "--out", target];
    await writeFile(ids, "[1, 2.5]");
    await fails(
      argv,
      1,
      `tessera: ${ids}: id 1 is 2.5, not a 64-bit integer`,
      "hint: write numbers beyond 2^53 as texts of digits",
    );
    await writeFile(ids, '[1, "9223372036854775807"]');
    await fails(argv, 1, `tessera: ${model}: there are 2 ids for 0 rows`);
    await writeFile(ids, "7");
    await fails(argv, 1, `tessera: ${ids}: the ids are not a JSON list`);
  });
});
