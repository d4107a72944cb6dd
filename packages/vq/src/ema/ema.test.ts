import { existsSync, readFileSync } from "node:fs";
import { pickBackend } from "@tessera/backend";
import { clusteredMatrix, createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  AbortedError,
  ArgumentError,
  createQuantizers,
  evaluate,
  expectNoLeaks,
  type Matrix,
  matrix,
  NonFiniteError,
  ShapeError,
  sliceRows,
} from "@tessera/core";
import { describe, expect, it } from "vitest";
import { onceOnly, stream } from "../../test/rows.js";
import { createVqPart, EmaCodebook, fitVq } from "../index.js";

const backend = createReferenceBackend();

/** One step as the paper writes it, in float64, debiased. */
function referenceStep(
  { counts, sums, steps }: { counts: number[]; sums: number[][]; steps: number },
  batch: Matrix,
  codes: ArrayLike<number>,
  { decay, epsilon }: { decay: number; epsilon: number },
): number[][] {
  for (let k = 0; k < counts.length; k++) {
    const own = Array.from({ length: batch.rows }, (_, i) => i).filter((i) => codes[i] === k);
    counts[k] = decay * counts[k]! + (1 - decay) * own.length;
    for (let j = 0; j < batch.cols; j++) {
      const sum = own.reduce((total, i) => total + batch.data[i * batch.cols + j]!, 0);
      sums[k]![j] = decay * sums[k]![j]! + (1 - decay) * sum;
    }
  }
  const bias = 1 - decay ** (steps + 1);
  const total = counts.reduce((sum, count) => sum + count / bias, 0);
  return sums.map((sum, k) =>
    sum.map(
      (value) =>
        value /
        bias /
        ((total * (counts[k]! / bias + epsilon)) / (total + counts.length * epsilon)),
    ),
  );
}

describe("EmaCodebook", () => {
  it("takes the steps of the paper", async () => {
    const settings = { decay: 0.7, epsilon: 0.01 };
    const start = gaussianMatrix(4, 3, { seed: 1 });
    let state = EmaCodebook.start(start, { ...settings, deadCodeThreshold: 0 });
    const averages = {
      counts: [0, 0, 0, 0],
      sums: [0, 0, 0, 0].map(() => [0, 0, 0]),
      steps: 0,
    };
    for (; averages.steps < 6; averages.steps++) {
      const batch = gaussianMatrix(40, 3, { seed: 10 + averages.steps });
      const codes = await state.toModel().encode(batch, { backend });
      const { next, counts } = await state.step(batch, { backend });
      const expected = referenceStep(averages, batch, codes.data, settings);
      expect(counts.reduce((sum, count) => sum + count)).toBe(40);
      next.codebook.data.forEach((value, at) => {
        expect(value).toBeCloseTo(expected[Math.floor(at / 3)]![at % 3]!, 5);
      });
      state = next;
    }
    expect(state.steps).toBe(6);
  });

  it("is not changed by a step, and the same steps give the same bits", async () => {
    const batch = gaussianMatrix(50, 2, { seed: 2 });
    const state = EmaCodebook.start(gaussianMatrix(8, 2, { seed: 3 }), { seed: 4 });
    const before = state.codebook.data.slice();
    const first = await state.step(batch, { backend });
    const second = await state.step(batch, { backend });
    expect(state.codebook.data).toEqual(before);
    expect(second.next.codebook).toEqual(first.next.codebook);
    expect(first.next.toModel().save()).toEqual(second.next.toModel().save());
  });

  it("tells perplexity and distortion", async () => {
    const corners = matrix([[0], [1], [2], [3]]);
    const { perplexity, distortion } = await EmaCodebook.start(corners).step(corners, { backend });
    expect(perplexity).toBeCloseTo(4);
    expect(distortion).toBe(0);
    const one = await EmaCodebook.start(corners).step(matrix([[0.5], [0.25]]), { backend });
    expect(one.perplexity).toBeCloseTo(1);
    expect(one.distortion).toBeCloseTo((0.25 + 0.0625) / 2);
  });

  it("puts a row of the batch in place of a dead codeword, and leaves others alone", async () => {
    const start = matrix([
      [0, 0],
      [1, 1],
      [900, 900],
    ]);
    const batch = matrix([
      [0, 0.1],
      [0.1, 0],
      [1, 1.1],
      [1.1, 1],
    ]);
    let step = await EmaCodebook.start(start, { deadCodeThreshold: 0 }).step(batch, { backend });
    expect(step.replaced).toEqual([]);
    expect([...step.next.codebook.data.subarray(4)]).toEqual([900, 900]);

    // At this share a row should come within four batches.
    let state = EmaCodebook.start(start, { deadCodeThreshold: 0.2 });
    for (let i = 0; i < 4; i++) {
      step = await state.step(batch, { backend });
      state = step.next;
      expect(step.replaced).toEqual(i < 3 ? [] : [2]);
    }
    const moved = [...state.codebook.data.subarray(4)];
    const found = Array.from({ length: 4 }, (_, i) => [...sliceRows(batch, i, i + 1).data]);
    expect(found).toContainEqual(moved);
  });

  it("keeps codewords of unit norm under cosine", async () => {
    const rows = gaussianMatrix(60, 3, { seed: 5, mean: 2 });
    // Rows without a direction among the codewords and in the batch.
    rows.data.fill(0, 0, 90);
    const start = gaussianMatrix(6, 3, { seed: 6 });
    start.data.fill(0, 0, 3);
    const options = { metric: "cosine", deadCodeThreshold: 1, decay: 0 } as const;
    let state = EmaCodebook.start(start, options);
    expect([...state.codebook.data.subarray(0, 3)]).toEqual([1, 0, 0]);
    for (let i = 0; i < 5; i++) state = (await state.step(rows, { backend })).next;
    for (let k = 0; k < 6; k++) {
      expect(Math.hypot(...state.codebook.data.subarray(3 * k, 3 * k + 3))).toBeCloseTo(1, 5);
    }
    expect(state.spec).toEqual({ kind: "vq", codebookSize: 6, metric: "cosine" });
  });

  it("refuses what is wrong", async () => {
    const start = gaussianMatrix(4, 2, { seed: 7 });
    for (const options of [
      { decay: 1 },
      { decay: -0.1 },
      { epsilon: -1 },
      { epsilon: Number.NaN },
      { deadCodeThreshold: 2 },
      { metric: "l1" as "l2" },
    ]) {
      expect(() => EmaCodebook.start(start, options)).toThrow(ArgumentError);
    }
    const state = EmaCodebook.start(start);
    const none = { data: new Float32Array(0), rows: 0, cols: 2 };
    await expect(state.step(none, { backend })).rejects.toThrow(ShapeError);
    await expect(state.step(gaussianMatrix(4, 3), { backend })).rejects.toThrow(ShapeError);
    await expectNoLeaks(backend, async () => {
      await expect(
        state.step(
          matrix([
            [1, 1],
            [Infinity, 0],
          ]),
          { backend },
        ),
      ).rejects.toMatchObject({
        row: 1,
      });
    });
    start.data[5] = Number.NaN;
    expect(() => EmaCodebook.start(start)).toThrow(NonFiniteError);
  });
});

describe("fitVq by moving averages", () => {
  // Each run may end in another local optimum, so it is their mean that is compared.
  it.each([
    ["k-means++", 1.03],
    ["lbg", 1.03],
    ["random", 1.06],
  ] as const)("comes close to k-means from a %s start, without dead codes", async (init, most) => {
    let [moving, kmeans] = [0, 0];
    for (let seed = 0; seed < 8; seed++) {
      const rows = clusteredMatrix(1200, 4, { seed, clusters: 40, spread: 0.3 });
      const options = { codebookSize: 32, seed, init, backend };
      const model = await fitVq(rows, { ...options, update: "ema", batchSize: 128 });
      moving += model.facts.distortion!;
      kmeans += (await fitVq(rows, { ...options, exchange: false })).facts.distortion!;
      const { codes, distortion } = await evaluate(model, rows, { backend });
      expect(new Set(codes.data).size).toBe(32);
      expect(distortion).toBeCloseTo(model.facts.distortion!, 5);
    }
    expect(moving / kmeans).toBeLessThan(most);
  });

  it("uses every codeword where there are as many distinct rows", async () => {
    const rows = gaussianMatrix(24, 3, { seed: 8 });
    const model = await fitVq(rows, { codebookSize: 24, update: "ema", batchSize: 5, backend });
    // A smoothed mean of one row may be off in its last bit.
    expect(model.facts.distortion).toBeLessThan(1e-10);
    expect(new Set((await model.encode(rows, { backend })).data).size).toBe(24);
    const twice = matrix([[1], [1], [2], [2], [2]]);
    const few = await fitVq(twice, { codebookSize: 4, update: "ema", batchSize: 2, backend });
    expect(few.facts.distortion).toBeLessThan(1e-10);
  });

  it.each(["ip", "cosine"] as const)("learns under %s", async (metric) => {
    const rows = clusteredMatrix(600, 5, { seed: 9, clusters: 12, mean: 1 });
    const options = { codebookSize: 12, metric, backend };
    const model = await fitVq(rows, { ...options, update: "ema", batchSize: 64 });
    const kmeans = await fitVq(rows, options);
    expect(model.facts.similarity).toBeGreaterThan(0.95 * kmeans.facts.similarity!);
    expect(model.facts.distortion).toBeUndefined();
  });

  it("gives the same bits for the same seed, whatever the threads, and learns from streams", async () => {
    const rows = gaussianMatrix(700, 6, { seed: 10 });
    const options = { codebookSize: 16, update: "ema", batchSize: 100, seed: 5 } as const;
    const bytes: Uint8Array[] = [];
    for (const threads of [1, 2]) {
      const cpu = await pickBackend({ name: "cpu", threads });
      await expectNoLeaks(cpu, async () => {
        bytes.push((await fitVq(rows, { ...options, backend: cpu })).save());
        expect((await fitVq(rows, { ...options, backend: cpu, seed: 6 })).save()).not.toEqual(
          bytes[0],
        );
      });
      cpu.dispose();
    }
    expect(bytes[1]).toEqual(bytes[0]);
    const streamed = await fitVq(stream(rows, 7), { ...options, backend });
    expect((await fitVq(stream(rows, 250), { ...options, backend })).save()).toEqual(
      streamed.save(),
    );
    const lloyd = await fitVq(rows, { codebookSize: 16, backend, exchange: false });
    expect(streamed.facts.distortion).toBeLessThan(1.08 * lloyd.facts.distortion!);
    const sampled = { ...options, sample: 300, backend };
    expect((await fitVq(onceOnly(rows), sampled)).save()).toEqual(
      (await fitVq(rows, sampled)).save(),
    );
  });

  it("names the row, stops on abort, and refuses what does not go together", async () => {
    const rows = gaussianMatrix(90, 2, { seed: 11 });
    const fit = (options: object, input: Parameters<typeof fitVq>[0] = rows) =>
      fitVq(input, { codebookSize: 4, update: "ema", batchSize: 20, backend, ...options });
    await expect(fit({ update: "sgd" })).rejects.toThrow("it must be kmeans or ema");
    await expect(fit({ update: "kmeans" })).rejects.toThrow("batchSize is given");
    await expect(fit({ update: "kmeans", batchSize: undefined, decay: 0.9 })).rejects.toThrow(
      "decay is given",
    );
    await expect(fit({ exchange: true })).rejects.toThrow("exchanges nothing");
    await expect(fit({ batchSize: 0 })).rejects.toThrow("batchSize is 0");
    await expect(fit({ decay: 1 })).rejects.toThrow("decay is 1");
    await expect(fit({}, onceOnly(rows))).rejects.toThrow("only once");
    const better = await fit({ restarts: 4 });
    expect(better.facts.distortion).toBeLessThanOrEqual((await fit({})).facts.distortion!);
    const controller = new AbortController();
    const stopped = fit({ signal: controller.signal, onProgress: () => controller.abort() });
    await expectNoLeaks(backend, async () => {
      await expect(stopped).rejects.toThrow(AbortedError);
    });
    rows.data[2 * 77] = Number.NaN;
    for (const input of [rows, stream(rows, 9)]) {
      await expect(fit({ init: "random" }, input)).rejects.toMatchObject({ row: 77 });
    }
  });

  it("reaches every codebook of a spec through a part", async () => {
    const rows = gaussianMatrix(200, 4, { seed: 12 });
    const training = { update: "ema", batchSize: 50, decay: 0.9 } as const;
    const quantizers = createQuantizers([createVqPart(training)]);
    const model = await quantizers.fit("vq8", rows, { backend, seed: 3 });
    const own = await fitVq(rows, { codebookSize: 8, ...training, backend, seed: 3 });
    expect(model.save()).toEqual(own.save());
  });

  const words = new URL("../../../../../shared/data/words/embeddings.npy", import.meta.url);
  it.skipIf(!existsSync(words))(
    "is within 3 % of k-means on 20,000 word vectors (needs ../shared/data)",
    async () => {
      const bytes = readFileSync(words);
      const start = 10 + bytes.readUInt16LE(8);
      const size = 20_000 * 100;
      const values = new Uint8Array(bytes.subarray(start, start + 4 * size));
      const rows = matrix(new Float32Array(values.buffer), 100);
      const cpu = await pickBackend({ name: "cpu" });
      try {
        const options = { codebookSize: 64, backend: cpu };
        const model = await fitVq(rows, { ...options, update: "ema" });
        const kmeans = await fitVq(rows, { ...options, exchange: false });
        expect(model.facts.distortion).toBeLessThan(1.03 * kmeans.facts.distortion!);
      } finally {
        cpu.dispose();
      }
    },
  );
});
