import { parseSpec } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { bottleneckOf } from "./bottleneck.js";
import type { Pass } from "./review.js";
import { separateRows } from "./separate.js";

/** One value a row, 2 levels of 3 codewords: 0, 10, 20, and 0, 1, 2. */
const plan = { bottleneck: bottleneckOf(parseSpec("rq2x3")), latent: 1 };
const codebooks = Float32Array.of(0, 10, 20, 0, 1, 2);

/** Rows that all have the codes of 10 and 0. */
function passOf(...latents: number[]): Pass {
  return {
    latents: Float32Array.from(latents),
    codes: [new Int32Array(latents.length).fill(1), new Int32Array(latents.length)],
    distances: [
      Float32Array.from(latents, (z) => (z - 10) ** 2),
      Float32Array.from(latents, (z) => (z - 10) ** 2),
    ],
    errors: new Float32Array(latents.length),
  };
}

const NONE = [-1, -1];

describe("rows that share all their codes", () => {
  it("get the nearest codes that nobody has, but for the nearest to them", () => {
    const targets = separateRows(codebooks, passOf(10.4, 10.1, 10.3), plan, undefined);
    // 10.3 is served before 10.4.
    expect([...targets]).toEqual([1, 2, ...NONE, 1, 1]);
  });

  it("keep the targets that they had", () => {
    const before = Int32Array.of(1, 1, ...NONE, 1, 2);
    const targets = separateRows(codebooks, passOf(10.4, 10.1, 10.3), plan, before);
    expect([...targets]).toEqual([...before]);
  });

  it("stay where there are no codes left", () => {
    const targets = separateRows(codebooks, passOf(10, 10.1, 10.2, 10.3), plan, undefined);
    expect([...targets]).toEqual([...NONE, 1, 1, 1, 2, ...NONE]);
  });

  it("stay where they are the same row", () => {
    const targets = separateRows(codebooks, passOf(10.2, 10.2, 10.2), plan, undefined);
    expect([...targets]).toEqual([...NONE, ...NONE, ...NONE]);
  });
});
