import { setThreadsCount } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { autoencoder, train } from "../../test/digits.js";
import { engines } from "../../test/engines.js";
import { registerGradients } from "../index.js";
import { differentiable } from "../tape.js";
import { ResidualQuantizer, VectorQuantizer } from "./index.js";

const TIMEOUT_MS = 180_000;
const STEPS = 160;
const CHANNELS = 4;

/** What a correct gradient goes below, and the encoder's start without training does not. */
const BOUND = 0.037;

/** A defect: no gradient reaches the encoder. */
class Cut extends VectorQuantizer {
  protected override quantize(z: tf.Tensor, training: boolean): tf.Tensor {
    const constant = differentiable([z], () => ({
      value: z.clone(),
      keep: [],
      gradient: (dy) => [tf.zerosLike(dy)],
    }));
    return super.quantize(constant, training);
  }
}

describe("an autoencoder of digits", () => {
  beforeAll(async () => {
    // One thread: others would wait for one another on a busy machine.
    setThreadsCount(1);
    const wasm = engines.find(({ name }) => name === "wasm")!;
    await wasm.use();
    registerGradients();
  });

  it.each([
    ["VQ, by gradient", new VectorQuantizer({ codebookSize: 16 }), [16]],
    [
      "VQ, by moving averages",
      new VectorQuantizer({ codebookSize: 16, update: "ema", decay: 0.9, beta: 1 }),
      [16],
    ],
    ["RQ, by gradient", new ResidualQuantizer({ codebookSizes: [8, 8] }), [8, 8]],
  ] as const)("learns with %s", { timeout: TIMEOUT_MS }, async (_, quantizer, sizes) => {
    const { error, used } = await train(autoencoder(quantizer, CHANNELS), quantizer, sizes, STEPS);
    expect(error).toBeLessThan(BOUND);
    for (const share of used) expect(share).toBeGreaterThanOrEqual(0.9);
  });

  it("does not without the encoder's gradient", { timeout: TIMEOUT_MS }, async () => {
    const quantizer = new Cut({ codebookSize: 16 });
    const { error } = await train(autoencoder(quantizer, CHANNELS), quantizer, [16], STEPS);
    expect(error).toBeGreaterThan(BOUND);
  });
});
