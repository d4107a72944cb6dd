import { join } from "node:path";
import { expect, it } from "vitest";
import { sampleRows, temporaryFolder, tessera, writeVectors } from "../../test/harness.js";

const folder = await temporaryFolder();

it.each([
  "center>rq2x8",
  "opq2x8",
  "pca3>vq8+vq8",
  "normalize>hadamard>vq8",
  "pca3>fsq(8,5,5)",
  "split2(vq8,shared=true)",
])("fits, judges and inspects %s", async (spec) => {
  const vectors = await writeVectors(join(folder, "vectors.npy"), sampleRows(120, 6));
  const model = join(folder, "model.safetensors");
  const json = async (...argv: string[]) => {
    const { code, out, err } = await tessera([...argv, "--json"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    return JSON.parse(out) as Record<string, unknown>;
  };
  const printed = spec === "pca3>vq8+vq8" ? "pca3>rq2x8" : spec;
  const fitted = await json("fit", vectors, "--spec", spec, "--out", model);
  expect(fitted).toMatchObject({ spec: printed, dimension: 6, rows: 120 });
  const judged = await json("eval", vectors, "--model", model);
  expect(judged["distortion"]).toBeCloseTo(fitted["distortion"] as number, 5);
  expect(await json("inspect", model)).toMatchObject({ kind: "model" });
});
