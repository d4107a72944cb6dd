import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesIn, sampleRows, temporaryFolder, tessera, writeVectors } from "../../test/harness.js";

const folder = await temporaryFolder();
const vectors = await writeVectors(join(folder, "vectors.npy"), sampleRows(120, 6));
const at = (name: string) => join(folder, name);
const SHORT = JSON.stringify({ steps: 40, pretraining: 20, reviewEvery: 10, batchSize: 32 });
const FIT = ["fit", vectors, "--spec", "ae(12,4)>rq2x8", "--training", SHORT];

async function json(...argv: string[]) {
  const { code, out, err } = await tessera([...argv, "--json"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Record<string, unknown>;
}

describe("an autoencoder", () => {
  it("is fitted, judged, inspected, and names items", async () => {
    const model = at("model.safetensors");
    const fitted = await json(...FIT, "--out", model);
    expect(fitted).toMatchObject({ spec: "ae(12,4)>rq2x8", dimension: 6, rows: 120 });
    const judged = await json("eval", vectors, "--model", model);
    expect(judged["distortion"]).toBeCloseTo(fitted["distortion"] as number, 5);
    expect(await json("inspect", model)).toMatchObject({ kind: "model" });
    const { code } = await tessera(["ids", vectors, "--model", model, "--out", at("ids.json")]);
    expect(code).toBe(0);
  });

  it("may end in fsq, which has no settings of codebooks", async () => {
    const model = at("fsq.safetensors");
    const fit = ["fit", vectors, "--spec", "ae(12,3)>fsq(8,5,4)", "--out", model, "--training"];
    const fitted = await json(...fit, '{"steps":60,"batchSize":32,"start":"pca"}');
    expect(fitted).toMatchObject({ dimension: 6, rows: 120 });
    const judged = await json("eval", vectors, "--model", model);
    expect(judged["distortion"]).toBeCloseTo(fitted["distortion"] as number, 5);
    expect((await tessera([...fit, '{"commitment":1}'])).err).toContain("has no codebooks");
  });

  it("is the same from a checkpoint, which goes once the model is there", async () => {
    const whole = at("whole.safetensors");
    await json(...FIT, "--out", whole);
    const run = [
      "--checkpoint",
      at("run.ckpt"),
      "--checkpoint-every",
      "7",
      "--log",
      at("run.jsonl"),
    ];
    // Stopped from outside once there is a checkpoint.
    const control = new AbortController();
    const watch = setInterval(() => {
      void filesIn(folder).then((names) => names.includes("run.ckpt") && control.abort());
    }, 1);
    const out = at("resumed.safetensors");
    const stopped = await tessera([...FIT, "--out", out, ...run], { signal: control.signal });
    clearInterval(watch);
    // On a fast machine the run may be over before it is stopped.
    if (stopped.code !== 0) expect(await filesIn(folder)).not.toContain("resumed.safetensors");
    await json(...FIT, "--out", out, ...run, "--resume");
    expect((await readFile(out)).equals(await readFile(whole))).toBe(true);
    expect(await filesIn(folder)).not.toContain("run.ckpt");
    const lines = (await readFile(at("run.jsonl"), "utf8")).trim().split("\n");
    const events = lines.map((line) => JSON.parse(line) as { kind: string; step: number });
    expect(events.at(-1)).toMatchObject({
      kind: "review",
      step: 60,
      levels: expect.any(Array) as unknown,
    });
  });

  it("has a report: of fit, of ids, and of a log", async () => {
    const log = ["--log", at("told.jsonl")];
    const fitted = await json(
      ...FIT,
      "--out",
      at("told.safetensors"),
      "--report",
      at("r.html"),
      ...log,
    );
    expect(fitted["report"]).toBe(at("r.html"));
    const again = await json("report", at("told.jsonl"), "--out", at("again.html"));
    expect(again).toMatchObject({ spec: "ae(12,4)>rq2x8", steps: 60, report: at("again.html") });
    const [page, ofLog] = await Promise.all(
      ["r.html", "again.html"].map((name) => readFile(at(name), "utf8")),
    );
    expect(page).toContain("Codebooks by level");
    expect(ofLog).toBe(page);
    const named = ["ids", ...FIT.slice(1), "--report", at("ids.html")];
    expect((await tessera(named)).code).toBe(0);
    const ofIds = await readFile(at("ids.html"), "utf8");
    expect(ofIds).toContain("The Semantic-ID tree");
    expect(ofIds).toContain("Codebooks by level");
  });

  it("has no report where nothing is trained, or of what is no log", async () => {
    const argv = ["fit", vectors, "--spec", "rq2x8", "--out", at("no.safetensors")];
    const refused = await tessera([...argv, "--report", at("no.html")]);
    expect(refused).toMatchObject({
      code: 2,
      err: expect.stringContaining("rq2x8 is not trained"),
    });
    await writeFile(at("no.jsonl"), '{"kind":"step"}\n');
    const { code, err } = await tessera(["report", at("no.jsonl"), "--out", at("no.html")]);
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining("line 1 is not") });
    expect(await filesIn(folder)).not.toContain("no.html");
  });

  it("is aligned with a second embedding, which has one vector for each", async () => {
    const second = await writeVectors(at("second.npy"), sampleRows(120, 3));
    const [plain, aligned] = [at("plain.safetensors"), at("aligned.safetensors")];
    await json(...FIT, "--out", plain);
    await json(...FIT, "--out", aligned, "--alignment", second);
    expect((await readFile(aligned)).equals(await readFile(plain))).toBe(false);
    const fewer = await writeVectors(at("fewer.npy"), sampleRows(119, 3));
    const refused = await tessera([...FIT, "--out", plain, "--alignment", fewer]);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/the alignment has 119 rows of 3 values for 120 rows to train on/);
    const over = await tessera([...FIT, "--out", second, "--alignment", second]);
    expect(over.code).toBe(2);
  });

  it("refuses a checkpoint of something else", async () => {
    await writeFile(at("other.ckpt"), "not a checkpoint");
    const argv = [
      ...FIT,
      "--out",
      at("no.safetensors"),
      "--checkpoint",
      at("other.ckpt"),
      "--resume",
    ];
    const { code, err } = await tessera(argv);
    expect(code).toBe(1);
    expect(err).toMatch(/safetensors/);
  });
});
