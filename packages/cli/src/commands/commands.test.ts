import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeNpy } from "@tessera/io";
import { readIds } from "@tessera/semantic-ids";
import { beforeAll, describe, expect, it } from "vitest";
import {
  filesIn,
  type RunOptions,
  sampleRows,
  temporaryFolder,
  tessera,
  writeVectors,
} from "../../test/harness.js";

const folder = await temporaryFolder();
const at = (name: string) => join(folder, name);
const vectors = at("vectors.npy");
const items = at("items.jsonl");
const model = at("model.safetensors");
const ROWS = 150;

/** Runs a command that must succeed, and reads the one JSON object that it prints. */
async function json(argv: readonly string[], options: RunOptions = {}) {
  const { code, out, err } = await tessera([...argv, "--json"], options);
  expect(err).toBe("");
  expect(code).toBe(0);
  expect(out.endsWith("}\n")).toBe(true);
  expect(out.trimEnd()).not.toContain("\n");
  return JSON.parse(out) as Record<string, unknown> & {
    distortionPerLevel: number[];
    usedCodes: number[];
  };
}

beforeAll(async () => {
  await writeVectors(vectors, sampleRows(ROWS, 8));
  const lines = Array.from({ length: ROWS }, (_, row) =>
    JSON.stringify({
      id: `item-${row}`,
      name: `Thing ${row}`,
      kind: `kind ${row % 6}`,
      tags: ["a", "b"],
    }),
  );
  await writeFile(items, `${lines.join("\n")}\n`);
  const { code, err } = await tessera(["fit", vectors, "--spec", "rq2x8", "--out", model]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
});

describe("fit", () => {
  it.each(["sq4(range=optimal)", "fp16", "vq4+sq2(levels=lloydmax,scale=optimal)"])(
    "learns %s, whose model evaluates as it was fitted",
    async (spec) => {
      const out = at("scalar.safetensors");
      const { distortion } = await json(["fit", vectors, "--spec", spec, "--out", out]);
      expect(await json(["eval", vectors, "--model", out])).toMatchObject({ spec, distortion });
    },
  );

  it("reports the model as JSON", async () => {
    const out = at("fit.safetensors");
    const result = await json(["fit", vectors, "--spec", "rq2x8", "--out", out, "--seed=3"]);
    expect(result).toMatchObject({ spec: "rq2x8", dimension: 8, rows: ROWS, model: out });
    expect(result["distortion"]).toBe(result.distortionPerLevel.at(-1));
    expect(result["seconds"]).toBeGreaterThanOrEqual(0);
  });

  it("gives the same bytes for the same seed, and others for another", async () => {
    const [a, b, c] = [at("a.safetensors"), at("b.safetensors"), at("c.safetensors")];
    for (const [out, seed] of [
      [a, "1"],
      [b, "1"],
      [c, "2"],
    ] as const) {
      await json(["fit", vectors, "--spec", "vq4", "--out", out, "--seed", seed]);
    }
    expect(await readFile(a)).toEqual(await readFile(b));
    expect(await readFile(a)).not.toEqual(await readFile(c));
  });

  it.each(["pq2x8", "split2(rq2x4)", "vq8+pq4x4"])("learns %s", async (spec) => {
    const out = at("product.safetensors");
    const result = await json(["fit", vectors, "--spec", spec, "--out", out]);
    expect(result).toMatchObject({ spec, dimension: 8, rows: ROWS });
    const judged = await json(["eval", vectors, "--model", out]);
    expect(judged["distortion"]).toBeCloseTo(result["distortion"] as number, 5);
  });

  it("says in prose what it did", async () => {
    const { code, out, err } = await tessera([
      "fit",
      vectors,
      "--spec",
      "vq4",
      "--out",
      at("p.safetensors"),
    ]);
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(out).toMatch(/^vq4 fitted to 150 × 8 in .*\n2 bits a row instead of 256\ndistortion \d/);
  });
});

describe("encode, decode and eval", () => {
  it.each([
    ["sign", 8, 8],
    ["sign(threshold=median)", 8, 8],
    ["itq4", 4, 4],
    ["rabitq", 16, 72],
    ["rabitq(bits=4)", 16, 96],
  ])("run %s, in %i columns of %i bits", async (spec, columns, bits) => {
    const file = at("binary.safetensors");
    const codes = at("binary.npy");
    const { code, out, err } = await tessera(["fit", vectors, "--spec", spec, "--out", file]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`${bits} bits a row instead of 256`);
    const encoded = await json(["encode", vectors, "--model", file, "--out", codes]);
    expect(encoded).toMatchObject({ rows: ROWS, columns, dtype: "uint8" });
    await json(["decode", codes, "--model", file, "--out", at("binary-decoded.npy")]);
    const judged = await json(["eval", vectors, "--model", file]);
    expect(judged).toMatchObject({ spec, rows: ROWS });
    expect(judged["relativeDistortion"]).toBeLessThan(1);
  });

  it("agree with one another", async () => {
    const codes = at("codes.npy");
    const decoded = at("decoded.npy");
    expect(await json(["encode", vectors, "--model", model, "--out", codes])).toMatchObject({
      rows: ROWS,
      columns: 2,
      dtype: "uint8",
    });
    expect(await json(["decode", codes, "--model", model, "--out", decoded])).toMatchObject({
      rows: ROWS,
      dimension: 8,
    });
    const x = decodeNpy(await readFile(vectors)).data as Float32Array;
    const y = decodeNpy(await readFile(decoded)).data as Float32Array;
    const error = x.reduce((sum, value, i) => sum + (value - y[i]!) ** 2, 0) / ROWS;

    const judged = await json(["eval", vectors, "--model", model]);
    expect(judged["distortion"]).toBeCloseTo(error, 5);
    expect(judged.distortionPerLevel).toHaveLength(2);
    expect(judged.usedCodes).toHaveLength(2);
    for (const name of ["relativeDistortion", "collisionRate", "largestGroup", "perplexity"]) {
      expect(judged).toHaveProperty(name);
    }
  });

  it("write codes in the narrowest type that holds every column", async () => {
    const many = await writeVectors(at("many.npy"), sampleRows(400, 2));
    const wide = at("wide.safetensors");
    const codes = at("wide.npy");
    await json(["fit", many, "--spec", "vq300", "--out", wide, "--iterations", "1"]);
    expect(await json(["encode", many, "--model", wide, "--out", codes])).toMatchObject({
      dtype: "uint16",
    });
    expect(decodeNpy(await readFile(codes))).toMatchObject({ dtype: "U16", shape: [400, 1] });
  });

  it("encode no rows to an empty table of the right type", async () => {
    const empty = await writeVectors(at("empty.npy"), {
      data: new Float32Array(0),
      rows: 0,
      cols: 8,
    });
    const codes = at("none.npy");
    await json(["encode", empty, "--model", model, "--out", codes]);
    expect(decodeNpy(await readFile(codes))).toMatchObject({ dtype: "U8", shape: [0, 2] });
  });

  it("decode the first level alone, more coarsely", async () => {
    const codes = at("first.npy");
    const out = at("coarse.npy");
    const whole = decodeNpy(await readFile(at("codes.npy"))).data as Uint8Array;
    const first = Uint8Array.from({ length: ROWS }, (_, row) => whole[2 * row]!);
    const { encodeNpy } = await import("@tessera/io");
    await writeFile(codes, encodeNpy(first, [ROWS, 1]));
    expect(await json(["decode", codes, "--model", model, "--out", out])).toMatchObject({
      columns: 1,
    });
  });

  it("show figures per level", async () => {
    const { out } = await tessera(["eval", vectors, "--model", model]);
    expect(out).toContain("rq2x8 on vectors.npy: 150 × 8");
    expect(out).toMatch(/level 2 +[\d.]+ +[\d.]+ % +8 of 8/);
    expect(out).toContain("collisions ");
  });
});

describe("ids", () => {
  const named = ["ids", vectors, "--spec", "rq2x8", "--items", items];

  it("writes unique IDs, the model and a report", async () => {
    const out = at("ids.json");
    const saved = at("ids.safetensors");
    const report = at("report.html");
    const result = await json([
      ...named,
      "--group=kind",
      `--out=${out}`,
      `--model=${saved}`,
      `--report=${report}`,
    ]);
    expect(result).toMatchObject({ rows: ROWS, ids: out, model: saved, report });
    expect(result["purity"]).toHaveLength(2);

    const file = readIds(await readFile(out, "utf8"));
    expect(file.format).toBe("tessera");
    expect(file.items[3]).toBe("item-3");
    const tokens = Array.from({ length: ROWS }, (_, row) => file.ids.tokens(row).join(""));
    expect(new Set(tokens).size).toBe(ROWS);
    expect(await readFile(report, "utf8")).toContain("Thing 149");
  });

  it("uses a model that exists, and gives the same codes as encode", async () => {
    const before = await readFile(model);
    const out = at("reused.index.json");
    await json(["ids", vectors, "--model", model, "--out", out, "--collisions", "keep"]);
    expect(await readFile(model)).toEqual(before);
    const file = readIds(await readFile(out, "utf8"));
    expect(file.format).toBe("index");
    expect(file.items[0]).toBe("0");
    const codes = decodeNpy(await readFile(at("codes.npy"))).data as Uint8Array;
    expect([...file.ids.codes.data]).toEqual([...codes]);
  });

  it("fits anew and replaces a model when a spec is given", async () => {
    const saved = at("replaced.safetensors");
    await writeFile(saved, "old");
    await json(["ids", vectors, "--spec", "vq4", "--model", saved]);
    expect(await json(["inspect", saved])).toMatchObject({ kind: "model", spec: "vq4" });
  });

  it("takes names and ids from a jsonl input", async () => {
    const { data } = sampleRows(20, 3);
    const input = at("self.jsonl");
    const lines = Array.from({ length: 20 }, (_, row) =>
      JSON.stringify({
        sku: `s${row}`,
        title: `T${row}`,
        vector: [...data.subarray(3 * row, 3 * row + 3)],
      }),
    );
    await writeFile(input, lines.join("\n"));
    const out = at("self.json");
    const { code, out: text } = await tessera([
      "ids",
      input,
      "--spec",
      "vq4",
      "--id",
      "sku",
      "--out",
      out,
    ]);
    expect(code).toBe(0);
    expect(text).toMatch(/T\d+, T\d+/);
    expect(readIds(await readFile(out, "utf8")).items[19]).toBe("s19");
  });

  it("prints a summary and a tree that fit the terminal", async () => {
    const { displayWidth } = await import("@tessera/semantic-ids");
    for (const columns of [60, 100]) {
      const { out } = await tessera([...named, "--group", "kind", "--names", "name,kind"], {
        columns,
        env: { NO_COLOR: "1" },
      });
      const lines = out.split("\n");
      expect(lines[0]).toBe("vectors.npy  150 × 8  rq2x8  6 bits an item");
      expect(out).toContain("purity");
      expect(out).toMatch(/a_\d +\d+ +█+ +kind \d/);
      expect(lines.filter((line) => displayWidth(line) > columns)).toEqual([]);
    }
  });

  it("draws with ASCII alone when asked", async () => {
    const { out } = await tessera([...named, "--ascii"]);
    const tree = out.slice(out.indexOf("\na_"));
    expect(tree).toMatch(/^[\n -~]*$/);
  });

  it("says nothing when quiet", async () => {
    expect(await tessera([...named, "--quiet"], { columns: 80 })).toEqual({
      code: 0,
      out: "",
      err: "",
    });
  });
});

describe("inspect", () => {
  it("shows a model", async () => {
    expect(await json(["inspect", model])).toMatchObject({
      kind: "model",
      formatVersion: 1,
      spec: "rq2x8",
      dimension: 8,
      cardinalities: [8, 8],
      bitsPerRow: 6,
      specJson: { kind: "residual" },
    });
    const { out } = await tessera(["inspect", model]);
    expect(out).toMatch(/codebook +F32 +\[8, 8\] +256 B/);
  });

  it("shows vectors, codes and IDs", async () => {
    expect(await json(["inspect", vectors])).toMatchObject({
      kind: "vectors",
      dtype: "F32",
      rows: ROWS,
      columns: 8,
      firstNonFiniteRow: null,
    });
    expect(await json(["inspect", at("codes.npy")])).toMatchObject({ dtype: "U8", columns: 2 });
    expect(await json(["inspect", at("ids.json")])).toMatchObject({ kind: "ids", items: ROWS });
  });

  it("finds the first row that is not finite", async () => {
    const data = new Float32Array(20).fill(1);
    data[13] = Number.NaN;
    const path = await writeVectors(at("nan.npy"), { data, rows: 10, cols: 2 });
    expect(await json(["inspect", path])).toMatchObject({ firstNonFiniteRow: 6, meanNorm: null });
  });
});

describe("output", () => {
  it("keeps progress and prose off stderr where it is no terminal, and on it where it is", async () => {
    const argv = ["eval", vectors, "--model", model];
    expect((await tessera(argv)).err).toBe("");
    const shown = await tessera(argv, { columns: 40 });
    expect(shown.err).toContain("evaluate");
    // The bar is wiped at the end.
    expect(shown.err.endsWith("\r\u001b[K")).toBe(true);
  });

  it("leaves no temporary files behind", async () => {
    const inner = at("inner");
    await mkdir(inner);
    await json(["encode", vectors, "--model", model, "--out", join(inner, "codes.npy")]);
    expect(await filesIn(inner)).toEqual(["codes.npy"]);
  });
});
