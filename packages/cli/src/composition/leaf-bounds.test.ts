import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import { evaluate, type Matrix, matrix, parseSpec, type Spec } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { knownQuantizers } from "../quantizers.js";

const quantizers = knownQuantizers();
const backend = createReferenceBackend();

/** Rows of all sorts: of normal values, of few distinct ones, with outliers, with a column that is constant. */
const matrices: fc.Arbitrary<Matrix> = fc.oneof(
  fc
    .record({
      seed: fc.nat(1e6),
      mean: fc.constantFrom(0, 50),
      spread: fc.constantFrom(1e-3, 1, 40),
    })
    .map(({ seed, ...options }) => gaussianMatrix(40, 3, { seed, ...options })),
  fc
    .array(
      fc.tuple(fc.integer({ min: -3, max: 3 }), fc.constant(7), fc.constantFrom(0, 0, 0, 1000)),
      {
        minLength: 9,
        maxLength: 40,
      },
    )
    .map((lists) => matrix(lists)),
);

async function fitted(spec: Spec, rows: Matrix) {
  const model = await quantizers.fit(spec, rows, { backend, seed: 1 });
  const { distortion, totalVariance, codes } = await evaluate(model, rows, { backend });
  const decoded = await model.decode(codes, { backend });
  return { distortion, totalVariance, decoded: decoded.data };
}

/** The least and the largest value of each column. */
function rangesOf({ data, rows, cols }: Matrix): { low: number; high: number }[] {
  return Array.from({ length: cols }, (_, j) => {
    const column = Array.from({ length: rows }, (__, i) => data[i * cols + j]!);
    return { low: Math.min(...column), high: Math.max(...column) };
  });
}

/** Room for the rounding of float32. */
function slack(...values: readonly number[]): number {
  return 1e-5 * Math.max(...values.map(Math.abs)) + 1e-30;
}

describe("on the rows that they were fitted on", () => {
  it.each([
    "vq1",
    "vq4",
    "vq8",
    "sq4(levels=quantile)",
    "sq1(levels=quantile)",
    "sign(threshold=mean)",
    "sign(threshold=median)",
    "sign",
    "fsq(8,2,5)",
  ])("%s, which decodes to means, loses no more than the variance", async (text) => {
    await fc.assert(
      fc.asyncProperty(matrices, async (rows) => {
        const { distortion, totalVariance } = await fitted(parseSpec(text), rows);
        expect(distortion).toBeLessThanOrEqual(totalVariance + slack(totalVariance, 1e-3));
      }),
      { numRuns: 25 },
    );
  });

  it("uniform levels between the least and the largest value are within half a step", async () => {
    await fc.assert(
      fc.asyncProperty(matrices, fc.constantFrom(1, 2, 4, 6, 8), async (rows, bits) => {
        const { decoded } = await fitted({ kind: "sq", bits }, rows);
        const ranges = rangesOf(rows);
        decoded.forEach((value, at) => {
          const { low, high } = ranges[at % rows.cols]!;
          const error = Math.abs(value - rows.data[at]!);
          expect(error).toBeLessThanOrEqual((high - low) / (2 ** bits - 1) / 2 + slack(low, high));
        });
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    "sq4",
    "sq4(shared=true)",
    "sq2(range=quantile)",
    "sq4(range=meanstd)",
    "sq4(range=optimal)",
    "sq4(levels=quantile)",
    "sq4(levels=lloydmax)",
    "sign(threshold=median)",
    "vq4",
  ])("%s decodes to values within the range of the rows", async (text) => {
    await fc.assert(
      fc.asyncProperty(matrices, async (rows) => {
        const spec = parseSpec(text);
        const { decoded } = await fitted(spec, rows);
        const ranges = rangesOf(rows);
        const all = {
          low: Math.min(...ranges.map(({ low }) => low)),
          high: Math.max(...ranges.map(({ high }) => high)),
        };
        decoded.forEach((value, at) => {
          const shared = spec.kind === "sq" && spec.shared;
          const { low, high } = shared ? all : ranges[at % rows.cols]!;
          expect(value).toBeGreaterThanOrEqual(low - slack(low, high));
          expect(value).toBeLessThanOrEqual(high + slack(low, high));
        });
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ["fp16", 2 ** -11, 2 ** -25],
    ["bf16", 2 ** -8, 2 ** -134],
  ])("%s is within half a unit in its last place", async (text, relative, least) => {
    await fc.assert(
      fc.asyncProperty(matrices, async (rows) => {
        const { decoded } = await fitted(parseSpec(text), rows);
        decoded.forEach((value, at) => {
          const exact = rows.data[at]!;
          const bound = Math.max(relative * Math.abs(exact), least);
          expect(Math.abs(value - exact)).toBeLessThanOrEqual(bound);
        });
      }),
      { numRuns: 20 },
    );
  });

  it("bounded values are within −1 and 1, and their signs those of lfq", async () => {
    await fc.assert(
      fc.asyncProperty(matrices, async (rows) => {
        const bounded = await fitted(parseSpec("fsq(8,5,3,scale=none)"), rows);
        expect(bounded.decoded.every((value) => value >= -1 && value <= 1)).toBe(true);
        const { decoded } = await fitted(parseSpec("lfq3"), rows);
        expect([...decoded]).toEqual(Array.from(rows.data, (value) => (value > 0 ? 1 : -1)));
        const sign = await quantizers.fit("sign", rows, { backend });
        const lfq = await quantizers.fit("lfq3", rows, { backend });
        const codes = await lfq.encode(rows, { backend });
        expect(codes.data).toEqual((await sign.encode(rows, { backend })).data);
      }),
      { numRuns: 20 },
    );
  });
});
