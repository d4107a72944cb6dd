import { setFlagsFromString } from "node:v8";
import { createCpuBackend } from "@tessera/backend-cpu";
import { clusteredMatrix, createReferenceBackend } from "@tessera/backend-testkit";
import {
  BackendError,
  checkSpec,
  type Codes,
  completeBackend,
  type ComputeBackend,
  evaluate,
  type Matrix,
  parseSpec,
  printSpec,
  residual,
  type Spec,
} from "@tessera/core";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { specsOf, stream, WIDTH } from "../../test/specs.js";
import { knownQuantizers } from "../quantizers.js";

const quantizers = knownQuantizers();
const backend = createReferenceBackend();
const specs = specsOf(WIDTH, 3);
const seeds = fc.integer({ min: 0, max: 2 ** 20 });

function rowsOf(seed: number, count = 48) {
  return clusteredMatrix(count, WIDTH, { seed, clusters: 12, spread: 0.4 });
}

// Node 20 has relaxed SIMD behind this flag; newer ones know no such flag and need none.
if (process.versions.node.startsWith("20.")) {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}

/** Whatever this host can run. */
async function engines(): Promise<ReadonlyMap<string, ComputeBackend>> {
  const found = new Map<string, ComputeBackend>();
  for (const engine of ["native", "wasm", "wasm-relaxed", "scalar"] as const) {
    try {
      found.set(engine, await createCpuBackend({ engine, threads: 1 }));
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
    }
  }
  return found;
}

const backends = await engines();
afterAll(() => backends.forEach((own) => own.dispose()));

/** The same rows but for their last bits. */
function nudged({ data, ...shape }: Matrix): Matrix {
  return {
    ...shape,
    data: data.map((value, at) => value * (1 + (at % 2 === 0 ? 1 : -1) * 2 ** -22)),
  };
}

/** Squared error of a decoded row, as a share of the row's squared norm. */
function errorOf(rows: Matrix, decoded: Matrix, row: number): number {
  let error = 0;
  let norm = 0;
  for (let at = row * WIDTH; at < (row + 1) * WIDTH; at++) {
    error += (rows.data[at]! - decoded.data[at]!) ** 2;
    norm += rows.data[at]! ** 2;
  }
  return error / norm;
}

describe("any well-formed spec", () => {
  it("fits, encodes, decodes, also by prefixes, and comes back from its file", async () => {
    await fc.assert(
      fc.asyncProperty(specs, seeds, async (spec, seed) => {
        const rows = rowsOf(seed);
        const model = await quantizers.fit(spec, rows, { backend, seed });
        expect(model.spec).toEqual(spec);
        expect(model.dimension).toBe(WIDTH);

        const codes = await model.encode(rows, { backend });
        expect(codes.rows).toBe(rows.rows);
        expect(codes.cardinalities).toEqual(model.cardinalities);
        const { columns } = codes;
        expect(codes.data.every((code, at) => code < model.cardinalities[at % columns]!)).toBe(
          true,
        );

        expect(model.prefixes.at(-1)).toBe(columns);
        for (const count of model.prefixes) {
          const decoded = await model.decode(codes.prefix(count), { backend });
          expect([decoded.rows, decoded.cols]).toEqual([rows.rows, WIDTH]);
          expect(decoded.data.every(Number.isFinite)).toBe(true);
        }

        const loaded = quantizers.load(model.save());
        expect(loaded.save()).toEqual(model.save());
        expect(loaded.spec).toEqual(spec);
        expect((await loaded.encode(rows, { backend })).data).toEqual(codes.data);
        const decoded = (await model.decode(codes, { backend })).data;
        expect((await loaded.decode(codes, { backend })).data).toEqual(decoded);
      }),
      { numRuns: 120 },
    );
  });

  it("has codes that do not depend on how rows are batched", async () => {
    await fc.assert(
      fc.asyncProperty(specs, seeds, fc.integer({ min: 1, max: 20 }), async (spec, seed, size) => {
        const rows = rowsOf(seed);
        const model = await quantizers.fit(spec, rows, { backend, seed });
        const codes = await model.encode(rows, { backend });
        expect((await model.encode(stream(rows, size), { backend })).data).toEqual(codes.data);
      }),
      { numRuns: 50 },
    );
  });

  it("is itself as a string, as JSON, and from a model", () => {
    fc.assert(
      fc.property(specs, (spec) => {
        expect(parseSpec(printSpec(spec))).toEqual(spec);
        expect(checkSpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
      }),
    );
  });

  it("loses no more by a further codebook of what is left over", async () => {
    // Its codewords are means. A level that is not so placed, such as sq1 with its two ends of the range, may lose more.
    await fc.assert(
      fc.asyncProperty(specs, seeds, async (spec, seed) => {
        const rows = rowsOf(seed);
        const model = await quantizers.fit(residual(spec, "vq4"), rows, { backend, seed });
        const { distortionPerLevel } = await evaluate(model, rows, { backend });
        const [before, after] = distortionPerLevel.slice(-2);
        expect(after).toBeLessThanOrEqual(before! * (1 + 1e-5) + 1e-9);
      }),
      { numRuns: 50 },
    );
  });

  it(`has equal codes on ${["reference", ...backends.keys()].join(", ")}`, async () => {
    await fc.assert(
      fc.asyncProperty(specs, seeds, async (spec, seed) => {
        const model = await quantizers.fit(spec, rowsOf(seed), { backend, seed });
        // Rows of their own: those fitted on lie on thresholds that were learned from them.
        const rows = rowsOf(seed + 1, 40);
        const codes = await model.encode(rows, { backend });
        const decoded = await model.decode(codes, { backend });
        /** Rows with other codes, that stand for something else. */
        const changed = async (found: Codes): Promise<number[]> => {
          const own = await model.decode(found, { backend });
          return Array.from({ length: rows.rows }, (_, i) => i).filter(
            (i) =>
              found.row(i).join() !== codes.row(i).join() &&
              !(Math.abs(errorOf(rows, own, i) - errorOf(rows, decoded, i)) < 1e-3),
          );
        };
        // Where earlier levels leave rounding errors, the direction of what is left is that of the last bits.
        const ofLastBits = await changed(await model.encode(nudged(rows), { backend }));
        if (ofLastBits.length > rows.rows / 8) return;
        for (const [name, other] of backends) {
          const differing = await changed(await model.encode(rows, { backend: other }));
          // Chance may bring one row near to a tie in a level whose choice the next ones depend on.
          expect({ name, differing: differing.slice(1) }).toEqual({ name, differing: [] });
        }
      }),
      { numRuns: 50 },
    );
    for (const own of backends.values()) expect(completeBackend(own).memory().tensors).toBe(0);
  });
});

describe("the specs of the issue of composition", () => {
  it.each<[string, Partial<{ prefixes: number[]; terms: boolean }>]>([
    ["split4(rq2x16)", { prefixes: [8] }],
    ["vq16+pq4x16", { prefixes: [1, 5] }],
    ["pca4>opq2x16", { prefixes: [2] }],
    ["hadamard>sq4", { prefixes: [8] }],
    ["center>normalize>rotation>sign", { prefixes: [8] }],
    ["vq16+sq8", { prefixes: [1, 9] }],
    ["pca4>fsq(8,5,5,5)", { prefixes: [4] }],
    ["vq16+split4(vq8,shared=true)+lfq8", { prefixes: [1, 5, 13] }],
  ])("%s", async (text, { prefixes }) => {
    const rows = rowsOf(7, 200);
    const model = await quantizers.fit(text, rows, { backend });
    expect(printSpec(model.spec)).toBe(text);
    expect(model.prefixes).toEqual(prefixes);
    const { distortion, totalVariance } = await evaluate(model, rows, { backend });
    // Codes of two values a dimension stand for −1 and 1, and unit vectors for directions.
    if (!/lfq|normalize/.test(text)) expect(distortion).toBeLessThan(0.6 * totalVariance);
  });
});

it("specs of all kinds are drawn", () => {
  const kinds = new Set<string>();
  const note = (spec: Spec): void => {
    kinds.add(spec.kind);
    if (spec.kind === "residual") spec.levels.forEach(note);
    if (spec.kind === "split") note(spec.each);
    if (spec.kind === "transformed") {
      kinds.add(spec.transform.kind);
      note(spec.quantizer);
    }
  };
  fc.sample(specs, { numRuns: 400, seed: 1 }).forEach(note);
  expect([...kinds].sort()).toEqual(
    "center fsq hadamard itq normalize opq pca residual rotation sign split sq transformed vq".split(
      " ",
    ),
  );
});
