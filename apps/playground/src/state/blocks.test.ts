import { parseSpec, printSpec } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { blocksOf, specOf } from "./blocks.js";

describe("blocks", () => {
  it.each([
    ["vq16", [], ["vq16"]],
    ["rq3x64", [], ["rq3x64"]],
    ["center>normalize > vq16 + split4(rq2x8)", ["center", "normalize"], ["vq16", "split4(rq2x8)"]],
    ["ae(32,2)>vq8+vq8", ["ae(32,2)"], ["vq8", "vq8"]],
    ["(pca8>vq4+vq4)+sq8", [], ["(pca8>vq4+vq4)", "sq8"]],
  ])("%s falls apart, and together again", (spec, transforms, levels) => {
    expect(blocksOf(spec)).toEqual({ transforms, levels });
    expect(printSpec(parseSpec(specOf({ transforms, levels })))).toBe(printSpec(parseSpec(spec)));
  });
});
