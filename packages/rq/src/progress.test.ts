import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import type { Progress } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { quantizers, type ResidualModel } from "./index.js";

const backend = createReferenceBackend();
const rows = gaussianMatrix(120, 4, { seed: 3 });

describe("what fitting tells of its progress", () => {
  it("names the level, and shows its codewords up to those of the model", async () => {
    const seen = new Map<string, Float32Array>();
    const model = await quantizers.fit("vq4+vq6", rows, {
      backend,
      onProgress: ({ place, codebook }) => {
        if (place !== undefined && codebook) seen.set(place, codebook.data.slice());
      },
    });
    expect([...seen.keys()]).toEqual(["levels.0", "levels.1"]);
    expect([...seen.values()].map(({ length }) => length)).toEqual([16, 24]);
    const { levels } = model as ResidualModel;
    levels.forEach((level, l) => {
      const { data } = level.terms![0]!.codebook;
      const last = seen.get(`levels.${l}`)!;
      // The exchange's last codewords are the means of the same clusters.
      data.forEach((value, i) => expect(last[i]).toBeCloseTo(value, 5));
    });
  });

  it("waits until it may go on, and stops where it is told to", async () => {
    const told: Progress[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const fitted = quantizers.fit("vq4+vq6", rows, {
      backend,
      onProgress: (progress) => {
        told.push(progress);
        return held;
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(told).toHaveLength(1);
    release();
    await fitted;
    expect(told.length).toBeGreaterThan(4);

    const stop = new Error("enough");
    const stopped = quantizers.fit("vq4+vq6", rows, {
      backend,
      onProgress: () => Promise.reject(stop),
    });
    await expect(stopped).rejects.toBe(stop);
  });
});
