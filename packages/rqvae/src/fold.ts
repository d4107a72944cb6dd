import { valuesOf } from "./layout.js";
import { NORM_EPSILON } from "./network.js";
import type { Plan } from "./plan.js";

/** The parameters with batch normalization by its running averages made part of the weights and biases before it. */
export function foldNorms(parameters: Float32Array, { layout, widths }: Plan): Float32Array {
  const folded = parameters.slice();
  for (const network of ["encoder", "decoder"]) {
    for (let layer = 0; layer + 1 < widths.length; layer++) {
      const part = (name: string): Float32Array =>
        valuesOf(folded, layout, `${network}.${layer}.${name}`);
      const [weight, bias, shift] = [part("weight"), part("bias"), part("norm.shift")];
      const [mean, variance] = [part("norm.mean"), part("norm.variance")];
      const inputs = weight.length / bias.length;
      part("norm.scale").forEach((scale, j) => {
        const factor = scale / Math.sqrt(variance[j]! + NORM_EPSILON);
        for (let i = j * inputs; i < (j + 1) * inputs; i++) weight[i]! *= factor;
        bias[j] = (bias[j]! - mean[j]!) * factor + shift[j]!;
      });
    }
  }
  return folded;
}
