import { pickBackend } from "@tessera/backend";
import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  AbortedError,
  ArgumentError,
  expectNoLeaks,
  matrix,
  type Matrix,
  ShapeError,
  sliceRows,
  type VqSpec,
} from "@tessera/core";
import { describe, expect, it } from "vitest";
import { onceOnly, stream } from "../test/rows.js";
import { sampleCodes, VqModel } from "./index.js";

const backend = createReferenceBackend();

function vqModel(codebook: Matrix, metric?: VqSpec["metric"]): VqModel {
  const spec = { kind: "vq", codebookSize: codebook.rows } as const;
  return new VqModel(metric === undefined ? spec : { ...spec, metric }, codebook);
}

/** How often each code is drawn for one row. */
async function frequencies(model: VqModel, row: readonly number[], temperature: number) {
  const times = 20_000;
  const rows = matrix(Array.from({ length: times }, () => row));
  const codes = await sampleCodes(model, rows, { temperature, seed: 1, backend });
  const counts = Array.from({ length: model.codebook.rows }, () => 0);
  for (const code of codes.data) counts[code]! += 1 / times;
  return counts;
}

function softmax(logits: readonly number[]): number[] {
  const weights = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const total = weights.reduce((sum, weight) => sum + weight);
  return weights.map((weight) => weight / total);
}

describe("sampleCodes", () => {
  const codebook = matrix([
    [0, 0],
    [1, 0],
    [0, 2],
    [-1, 1],
  ]);
  const row = [0.5, 0.75];

  it("draws in proportion to exp(−‖x − c‖² / T)", async () => {
    for (const temperature of [0.5, 3]) {
      const logits = [0.8125, 0.8125, 1.8125, 2.3125].map((distance) => -distance / temperature);
      const found = await frequencies(vqModel(codebook), row, temperature);
      softmax(logits).forEach((p, k) => expect(Math.abs(found[k]! - p)).toBeLessThan(0.015));
    }
  });

  it("draws by inner product under ip, by cosine under cosine", async () => {
    const ip = await frequencies(vqModel(codebook, "ip"), row, 1);
    softmax([0, 0.5, 1.5, 0.25]).forEach((p, k) => {
      expect(Math.abs(ip[k]! - p)).toBeLessThan(0.015);
    });
    const unit = matrix([
      [1, 0],
      [0, 1],
      [-1, 0],
    ]);
    const cosine = await frequencies(vqModel(unit, "cosine"), [30, 40], 0.5);
    softmax([1.2, 1.6, -1.2]).forEach((p, k) => {
      expect(Math.abs(cosine[k]! - p)).toBeLessThan(0.015);
    });
  });

  it("goes to the nearest codeword as the temperature goes to 0", async () => {
    const model = vqModel(gaussianMatrix(300, 4, { seed: 1 }));
    const rows = gaussianMatrix(200, 4, { seed: 2 });
    const nearest = await model.encode(rows, { backend });
    for (const temperature of [0, 1e-12, 1e-300]) {
      const codes = await sampleCodes(model, rows, { temperature, backend });
      expect(codes.data).toEqual(nearest.data);
      expect(codes.cardinalities).toEqual([300]);
    }
    const warm = await sampleCodes(model, rows, { temperature: 1, backend });
    expect(warm.data).not.toEqual(nearest.data);
  });

  it("takes all codewords into account, however many", async () => {
    const many = vqModel(gaussianMatrix(300, 2, { seed: 3 }));
    const rows = gaussianMatrix(2000, 2, { seed: 4 });
    const codes = await sampleCodes(many, rows, { temperature: 1e6, backend });
    const drawn = new Set(codes.data);
    expect(drawn.size).toBeGreaterThan(0.99 * 300);
  });

  it("does not depend on batches or threads, and on the seed alone", async () => {
    const model = vqModel(gaussianMatrix(300, 3, { seed: 5 }));
    const rows = gaussianMatrix(9000, 3, { seed: 6 });
    const cpu = await pickBackend({ name: "cpu", threads: 2 });
    const options = { temperature: 0.03, seed: 9, backend: cpu };
    await expectNoLeaks(cpu, async () => {
      const codes = await sampleCodes(model, rows, options);
      expect((await sampleCodes(model, stream(rows, 999), options)).data).toEqual(codes.data);
      const half = { ...options, firstRow: 4000 };
      const tail = await sampleCodes(model, sliceRows(rows, 4000, 9000), half);
      expect(tail.data).toEqual(codes.data.subarray(4000));
      expect((await sampleCodes(model, rows, { ...options, seed: 10 })).data).not.toEqual(
        codes.data,
      );
    });
    cpu.dispose();
  });

  it("refuses what is wrong, names the row, stops on abort", async () => {
    const model = vqModel(codebook);
    const rows = gaussianMatrix(30, 2, { seed: 7 });
    for (const options of [
      { temperature: -1 },
      { temperature: Infinity },
      { firstRow: 0.5 },
      { seed: -1 },
    ]) {
      await expect(sampleCodes(model, rows, { ...options, backend })).rejects.toThrow(
        ArgumentError,
      );
    }
    await expect(sampleCodes(model, gaussianMatrix(3, 3), { backend })).rejects.toThrow(ShapeError);
    const controller = new AbortController();
    const options = { backend, signal: controller.signal, onProgress: () => controller.abort() };
    await expect(sampleCodes(model, rows, options)).rejects.toThrow(AbortedError);
    rows.data[41] = Number.NaN;
    await expectNoLeaks(backend, async () => {
      for (const input of [rows, stream(rows, 7), onceOnly(rows)]) {
        await expect(sampleCodes(model, input, { backend })).rejects.toMatchObject({ row: 20 });
      }
    });
  });
});
