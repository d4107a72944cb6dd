import { parseSpec } from "@tessera/core";
import { expect, it } from "vitest";
import { workOfEncoding, workOfFit } from "./work.js";

const size = { rows: 1000, dimension: 64 };
const fit = (spec: string, more: object = {}) => workOfFit(parseSpec(spec), { ...size, ...more });

it("a fit compares rows with all codewords in each pass", () => {
  expect(fit("vq256")).toEqual({ ...size, codebookSize: 256, passes: 25 });
  expect(fit("vq256", { iterations: 3, sample: 10 })).toEqual({
    rows: 10,
    dimension: 64,
    codebookSize: 256,
    passes: 3,
  });
});

it("levels are one after another, and groups beside one another", () => {
  expect(fit("rq3x256")).toMatchObject({ codebookSize: 256, passes: 3 * 25 });
  expect(fit("vq1024+vq16")).toMatchObject({ codebookSize: 1024, passes: 2 * 25 });
  expect(fit("pq16x256")).toMatchObject({ codebookSize: 256, passes: 25 });
  expect(fit("split4(rq2x64)")).toMatchObject({ codebookSize: 64, passes: 2 * 25 });
});

it("matrices count as codewords do", () => {
  expect(fit("opq16x256")).toMatchObject({ codebookSize: 256, passes: 2 * 25 });
  expect(fit("pca32>vq256")).toMatchObject({ codebookSize: 256, passes: 2 * 25 });
  const trained = fit("ae(32,16)>vq8");
  // 6 · (64 · 32 + 32 · 16) / 64 columns and 8 codewords, by the wider layer.
  expect(trained).toMatchObject({ codebookSize: 32, passes: 25 * Math.ceil((240 + 8) / 32) });
});

it("rows are encoded once for each candidate", () => {
  const spec = parseSpec("rq2x256");
  expect(workOfEncoding(spec, size)).toMatchObject({ codebookSize: 256, passes: 2 });
  expect(workOfEncoding(spec, { ...size, beam: 5 })).toMatchObject({ passes: 10 });
});

it("what no codeword is met in, or whose rows nobody counted, has no size", () => {
  expect(fit("sq8")).toBeUndefined();
  expect(fit("center>sign")).toBeUndefined();
  expect(fit("vq256", { rows: undefined })).toBeUndefined();
  expect(fit("vq256", { rows: 0 })).toBeUndefined();
});
