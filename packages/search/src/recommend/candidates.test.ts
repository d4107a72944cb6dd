import { parseSpec, printSpec } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { candidatesFor } from "./candidates.js";

const specs = (room: Partial<Parameters<typeof candidatesFor>[0]>) =>
  candidatesFor({ dimension: 128, learned: 32_768, total: 1e6, bytes: 16, ...room }).map(
    ({ spec }) => spec,
  );

describe("candidatesFor", () => {
  it("gives a few well-formed specs, each once, for any rows and limit", () => {
    const room = fc.record({
      dimension: fc.integer({ min: 1, max: 2000 }),
      learned: fc.integer({ min: 1, max: 40_000 }),
      total: fc.integer({ min: 1, max: 1e9 }),
      bytes: fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.constant(Infinity)),
    });
    fc.assert(
      fc.property(room, (given) => {
        const candidates = candidatesFor(given);
        const names = candidates.map(({ spec }) => printSpec(parseSpec(spec)));
        expect(candidates.map(({ spec }) => spec)).toEqual(names);
        expect(new Set(names).size).toBe(names.length);
        expect(names.length).toBeGreaterThanOrEqual(1);
        expect(names.length).toBeLessThanOrEqual(15);
        for (const { nprobe } of candidates) {
          expect(nprobe === undefined || Number.isInteger(nprobe)).toBe(true);
        }
      }),
    );
  });

  it("fills the bytes that there are, surest first", () => {
    expect(specs({ bytes: 16 })).toEqual([
      "pq16x256",
      "itq128",
      "opq16x256",
      "pq32x16",
      "pca32>sq4(range=optimal)",
      "vq1024+pq8x256",
      "sign(threshold=median)",
      "opq8x256",
      "pq4x256",
      "rq12x256",
    ]);
  });

  it("reduces dimensions that the bytes do not divide", () => {
    expect(specs({ dimension: 100 })).toContain("pca96>opq16x256");
    expect(specs({ dimension: 100 })).toContain("pq10x256");
  });

  it("has from a few bytes to two for each dimension where a recall is asked for", () => {
    const found = specs({ bytes: Infinity });
    expect(found.slice(0, 3)).toEqual(["sq8", "rabitq", "hadamard>sq4(levels=lloydmax)"]);
    expect(found).toEqual(
      expect.arrayContaining([
        "opq64x256",
        "opq16x256",
        "opq8x256",
        "pq32x256",
        "fp16",
        "rabitq(bits=2)",
      ]),
    );
  });

  it("needs rows for codebooks and for lists", () => {
    const few = specs({ learned: 200, total: 200 });
    expect(few).toContain("pq32x16");
    expect(few.filter((spec) => spec.includes("256"))).toEqual([]);
    expect(specs({ total: 10_000 }).filter((spec) => spec.startsWith("vq"))).toEqual([]);
    expect(specs({ bytes: 1 })).toEqual(["vq256", "itq8", "pq2x16", "pca2>sq4(range=optimal)"]);
  });
});
