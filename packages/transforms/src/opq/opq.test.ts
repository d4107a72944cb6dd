import { pickBackend } from "@tessera/backend";
import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  ArgumentError,
  createQuantizers,
  evaluate,
  expectNoLeaks,
  type Matrix,
  matrix,
  ShapeError,
} from "@tessera/core";
import { vqPart } from "@tessera/vq";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { correlatedRows, difference, orthonormalityError, stream } from "../../test/rows.js";
import { plainSplitPart } from "../../test/split.js";
import { transformedPart } from "../part.js";
import { allocateComponents } from "./allocate.js";
import { fitOpqRotation } from "./fit.js";

const backend = createReferenceBackend();
const quantizers = createQuantizers([vqPart, plainSplitPart, transformedPart]);

async function distortionOf(spec: string, rows: Matrix, test = rows): Promise<number> {
  const model = await quantizers.fit(spec, rows, { backend });
  return (await evaluate(model, test, { backend })).distortion;
}

describe("allocateComponents", () => {
  it("balances the products of variances, by hand", () => {
    // 4 joins 8; 2 joins 16, which is less than 8 · 4; then both are 32, and 1 joins the first.
    expect(allocateComponents(Float64Array.of(16, 8, 4, 2, 1, 1), 2)).toEqual([0, 3, 4, 1, 2, 5]);
    expect(allocateComponents(Float64Array.of(9, 9, 9, 9), 4)).toEqual([0, 1, 2, 3]);
  });

  it("deals each group as many, also for variances below 1, of 0 and below", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e-9, max: 1e-3, noNaN: true }), {
          minLength: 12,
          maxLength: 12,
        }),
        fc.constantFrom(1, 2, 3, 4, 6, 12),
        (values, groups) => {
          const variances = Float64Array.from(values).sort().reverse();
          const dealt = allocateComponents(variances, groups);
          expect([...dealt].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
          // The largest of all stand each in a group of its own.
          const homes = dealt.map(
            (component, at) => [component, Math.floor((at * groups) / 12)] as const,
          );
          const first = homes.filter(
            ([component]) => component < groups && variances[component]! > 1e-9 * variances[0]!,
          );
          expect(new Set(first.map(([, group]) => group)).size).toBe(first.length);
        },
      ),
    );
  });
});

describe("fitOpqRotation", () => {
  it("is orthogonal, the same for the same seed, and leaves no tensors", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.constantFrom(1, 2, 4),
        async (seed, groups) => {
          const rows = correlatedRows(seed, 60, 8);
          const options = { groups, codebookSize: 8, backend, seed };
          await expectNoLeaks(backend, async () => {
            const { rotation } = await fitOpqRotation(rows, options);
            expect(orthonormalityError(rotation.data, 8)).toBeLessThan(1e-5);
            expect((await fitOpqRotation(stream(rows, 9), options)).rotation).toEqual(rotation);
          });
        },
      ),
      { numRuns: 10 },
    );
  });

  it("gives the same bits whatever the number of threads", async () => {
    const rows = correlatedRows(5, 600, 16, 8);
    const rotations: Float32Array[] = [];
    for (const threads of [1, 2]) {
      const cpu = await pickBackend({ name: "cpu", threads });
      try {
        const options = { groups: 4, codebookSize: 32, backend: cpu };
        rotations.push((await fitOpqRotation(rows, options)).rotation.data);
      } finally {
        cpu.dispose();
      }
    }
    expect(rotations[1]).toEqual(rotations[0]);
  });

  it("makes a product quantizer no worse, and much better where dimensions are correlated", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), async (seed) => {
        const rows = correlatedRows(seed, 400, 8, 4);
        const test = correlatedRows(seed, 500, 8, 4);
        const plain = await distortionOf("pq2x16", rows, test);
        expect(await distortionOf("opq2x16", rows, test)).toBeLessThan(1.02 * plain);
      }),
      { numRuns: 8 },
    );
    // All variance in the first half: without a rotation the second group has nothing to do.
    const lopsided = gaussianMatrix(500, 4, { seed: 1 });
    for (let at = 0; at < lopsided.data.length; at++) if (at % 4 >= 2) lopsided.data[at]! *= 0.01;
    expect(await distortionOf("opq2x16", lopsided)).toBeLessThan(
      0.5 * (await distortionOf("pq2x16", lopsided)),
    );
  });

  it("keeps the dimensions as they are where that is best", async () => {
    // Each group takes four values that no rotation makes easier to tell apart.
    const rows = matrix(Array.from({ length: 256 }, (_, i) => [i % 4, Math.floor(i / 4) % 4]));
    expect(await distortionOf("opq2x4", rows)).toBe(0);
  });

  it("alternates while held-out rows gain, and no longer", async () => {
    const rounds = async (rows: Matrix) => {
      const seen: number[] = [];
      await fitOpqRotation(rows, {
        groups: 2,
        codebookSize: 16,
        backend,
        onProgress: ({ figures }) => seen.push(figures!["distortion"]!),
      });
      return seen;
    };
    // Rows on two bent curves, in dimensions that are mixed up: nothing that variances alone could tell.
    const curves = matrix(
      Array.from({ length: 3000 }, (_, i) => {
        const [s, t] = [(i * 0.618) % 1, (i * 0.414) % 1].map((u) => 2 * Math.PI * u) as [
          number,
          number,
        ];
        const [a, b, c, d] = [Math.cos(s), Math.sin(2 * s), Math.cos(t), Math.sin(2 * t)];
        return [a + c, b + d, a - c, b - d + 0.3 * a];
      }),
    );
    const many = await rounds(curves);
    expect(many.length).toBeGreaterThan(1);
    expect(many.at(-1)).toBeLessThan(many[0]!);
    for (let r = 1; r < many.length; r++) expect(many[r]).toBeLessThanOrEqual(many[r - 1]!);
    expect((await rounds(gaussianMatrix(40, 4, { seed: 2 }))).length).toBeLessThan(4);
  });

  it("copes with few rows, constant rows and one group", async () => {
    for (const rows of [
      gaussianMatrix(1, 4),
      gaussianMatrix(5, 4),
      matrix([
        [1, 2],
        [1, 2],
        [1, 2],
      ]),
    ]) {
      for (const groups of [1, 2]) {
        const { rotation } = await fitOpqRotation(rows, { groups, backend });
        expect(orthonormalityError(rotation.data, rows.cols)).toBeLessThan(1e-5);
      }
    }
  });

  it("learns from a sample", async () => {
    const rows = correlatedRows(3, 300, 4);
    const options = { groups: 2, codebookSize: 8, backend };
    const sampled = await fitOpqRotation(rows, { ...options, sample: 100 });
    const all = await fitOpqRotation(rows, options);
    expect(difference(sampled.rotation.data, all.rotation.data)).toBeGreaterThan(0);
  });

  it("says what is wrong", async () => {
    const rows = gaussianMatrix(20, 6);
    await expect(fitOpqRotation(rows, { groups: 4, backend })).rejects.toThrow(ShapeError);
    await expect(fitOpqRotation(rows, { groups: 4, backend })).rejects.toMatchObject({
      hint: /pca4>opq/,
    });
    for (const wrong of [
      { groups: 0 },
      { groups: 2, codebookSize: 0 },
      { groups: 2, iterations: -1 },
      { groups: 2, sample: 0.5 },
    ]) {
      await expect(fitOpqRotation(rows, { backend, ...wrong })).rejects.toThrow(ArgumentError);
    }
    const once = (async function* () {
      yield rows;
    })();
    await expect(fitOpqRotation(once, { groups: 2, backend })).rejects.toThrow(ArgumentError);
    const none = { data: new Float32Array(0), rows: 0, cols: 6 };
    await expect(fitOpqRotation(none, { groups: 2, backend })).rejects.toThrow(/no rows/);
  });
});
