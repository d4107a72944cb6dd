import type { Matrix, Model, Spec, Tensor } from "@tessera/core";
import { valuesOfModel } from "./bottleneck.js";
import { countCodes } from "./health.js";
import { valuesOf } from "./layout.js";
import { allLatents, passOver } from "./review.js";
import type { Trainer } from "./trainer.js";

/**
 * Starts the codebooks, where there are any, by fitting the quantizer to the latents of all rows.
 *
 * @param data `[n, dimension]`, standardized
 * @param batchSize rows of a step
 */
export async function startCodebooks(
  trainer: Trainer,
  data: Tensor<"float32">,
  batchSize: number,
  fitQuantizer: (spec: Spec, latents: Matrix) => Promise<Model>,
): Promise<void> {
  const { plan } = trainer;
  if (plan.bottleneck.finite) return;
  const latents = await allLatents(trainer, data);
  const shape = { rows: data.shape[0]!, cols: plan.latent };
  const model = await fitQuantizer(plan.bottleneck.spec, { data: latents, ...shape });
  const state = await trainer.read();
  const parameters = state.parameters.slice();
  valuesOf(parameters, plan.layout, "codebooks").set(valuesOfModel(model, plan.bottleneck));
  trainer.write({ ...state, parameters });
  if (plan.settings.codebooks !== "ema") return;
  // As if the average had long been running: else the first batch would move its codewords all the way.
  const { codes } = await passOver(trainer, data);
  const usage = codes.flatMap((level, l) =>
    Array.from(countCodes(level, plan.bottleneck, l), (count) => (count * batchSize) / shape.rows),
  );
  trainer.write({ ...state, parameters, usage: Float32Array.from(usage) });
}
