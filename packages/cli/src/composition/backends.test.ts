import { clusteredMatrix, compareCodes } from "@tessera/backend-testkit";
import { type CompleteBackend, evaluate, type Matrix, parseSpec, Random } from "@tessera/core";
import { createAutoencoderQuantizers } from "@tessera/rqvae";
import { afterAll, describe, expect, it } from "vitest";
import { everyBackend } from "../../test/backends.js";
import { knownQuantizers } from "../quantizers.js";

const candidates = await everyBackend();
afterAll(() => {
  for (const candidate of candidates) if ("backend" in candidate) candidate.backend.dispose();
});

const TIMEOUT_MS = 300_000;
const DIMENSION = 12;
const CODEWORDS = 24;
const ROWS = 200_000;
/** Every so many rows lie halfway between two codewords, up to rounding, so that there are near ties to count. */
const HALFWAY_EVERY = 50;

/** Rows about the codewords, some of them halfway between two. */
function fixture(): { readonly x: Float32Array; readonly codebook: Float32Array } {
  const make = (rows: number, spread: number): Matrix =>
    clusteredMatrix(rows, DIMENSION, { seed: 1, clusters: CODEWORDS, spread });
  const { data: x } = make(ROWS, 0.4);
  const { data: codebook } = make(CODEWORDS, 0.2);
  const random = new Random(2);
  for (let row = 0; row < ROWS; row += HALFWAY_EVERY) {
    const [a, b] = [random.integer(CODEWORDS), random.integer(CODEWORDS)];
    for (let i = 0; i < DIMENSION; i++) {
      const sum = codebook[a * DIMENSION + i]! + codebook[b * DIMENSION + i]!;
      x[row * DIMENSION + i] = sum / 2;
    }
  }
  return { x, codebook };
}

async function assign(backend: CompleteBackend, x: Float32Array, codebook: Float32Array) {
  const rows = backend.tensor(x, [x.length / DIMENSION, DIMENSION]);
  const books = backend.tensor(codebook, [1, codebook.length / DIMENSION, DIMENSION]);
  const { codes, distances } = backend.assign(rows, books);
  try {
    return await codes.read();
  } finally {
    for (const tensor of [rows, books, codes, distances]) tensor.dispose();
  }
}

describe("200,000 rows have the codes of the float64 reference, but for near ties", () => {
  const { x, codebook } = fixture();
  const shape = { groups: 1, codebookSize: CODEWORDS, dimension: DIMENSION };

  for (const candidate of candidates) {
    const { name, obstacle } = candidate;
    it.skipIf(obstacle)(
      obstacle === undefined ? name : `${name} (${obstacle})`,
      async ({ annotate }) => {
        if (!("backend" in candidate)) return;
        const codes = await assign(candidate.backend, x, codebook);
        const { mismatches, nearTies } = compareCodes(x, codebook, codes, {
          ...shape,
          flushesSubnormals: name === "webgpu",
        });
        await annotate(`${name}: ${nearTies} of ${ROWS} codes differ, all of them near ties`);
        expect(mismatches).toEqual([]);
        // Of the rows that lie halfway, those whose two codewords are their nearest.
        expect(nearTies).toBeLessThan(ROWS / HALFWAY_EVERY);
      },
      TIMEOUT_MS,
    );
  }
});

describe("a model learned on the CPU encodes elsewhere, and the other way round", () => {
  const cpu = candidates.find((candidate) => "backend" in candidate);

  for (const candidate of candidates.filter(({ name }) => !name.startsWith("cpu-"))) {
    const { name, obstacle } = candidate;
    describe.skipIf(obstacle)(obstacle === undefined ? name : `${name} (${obstacle})`, () => {
      it.each(["rq3x16", "pq4x16", "sq4"])(
        "%s",
        async (text) => {
          if (!cpu || !("backend" in cpu) || !("backend" in candidate)) return;
          const rows = clusteredMatrix(600, DIMENSION, { seed: 3, clusters: 40, spread: 0.3 });
          const quantizers = knownQuantizers();
          const spec = parseSpec(text);
          for (const [learner, other] of [
            [cpu.backend, candidate.backend],
            [candidate.backend, cpu.backend],
          ] as const) {
            const model = await quantizers.fit(spec, rows, { backend: learner, seed: 5 });
            const own = await model.encode(rows, { backend: learner });
            const theirs = await model.encode(rows, { backend: other });
            const differing = own.data.filter((code, i) => code !== theirs.data[i]).length;
            // Near ties are rare, and both choices are equally good.
            expect(differing).toBeLessThanOrEqual(own.data.length / 500);
            const [a, b] = [
              await evaluate(model, rows, { backend: learner }),
              await evaluate(model, rows, { backend: other }),
            ];
            expect(Math.abs(a.distortion - b.distortion)).toBeLessThanOrEqual(1e-4 * a.distortion);
          }
        },
        TIMEOUT_MS,
      );

      it(
        "an RQ-VAE",
        async ({ skip }) => {
          if (!cpu || !("backend" in cpu) || !("backend" in candidate)) return;
          skip(candidate.backend.optimizerStep === undefined, `${name} does not train`);
          const rows = clusteredMatrix(160, DIMENSION, { seed: 6, clusters: 12, spread: 0.3 });
          const quantizers = createAutoencoderQuantizers({
            batchSize: 32,
            pretraining: 10,
            steps: 30,
            reviewEvery: 10,
            learningRate: 3e-3,
            activation: "gelu",
            norm: "layer",
            dropout: 0.1,
          });
          for (const [learner, other] of [
            [cpu.backend, candidate.backend],
            [candidate.backend, cpu.backend],
          ] as const) {
            const options = { backend: learner, seed: 5 };
            const model = await quantizers.fit("ae(12,4)>rq2x8", rows, options);
            const own = await model.encode(rows, { backend: learner });
            const theirs = await model.encode(rows, { backend: other });
            // Where the codes differ, latents are so near two codewords that rounding decides.
            const differing = own.data.filter((code, i) => code !== theirs.data[i]).length;
            expect(differing).toBeLessThanOrEqual(2);
            if (differing > 0) continue;
            const decoded = await model.decode(own, { backend: learner });
            const others = await model.decode(theirs, { backend: other });
            decoded.data.forEach((value, i) => expect(others.data[i]).toBeCloseTo(value, 4));
          }
        },
        TIMEOUT_MS,
      );
    });
  }
});
