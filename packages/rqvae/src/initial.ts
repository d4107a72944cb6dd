import { Random, sizeOf } from "@tessera/core";
import { valuesOf } from "./layout.js";
import type { Plan } from "./plan.js";

/**
 * The parameters before the first step: weights and biases uniform in ±1/√inputs, as PyTorch's `Linear` has them; scales of
 * normalization 1, shifts 0; running averages those of normalized values; codebooks 0. With a skip the last layers are 0, so that the network is the identity.
 */
export function initialParameters({ layout, seed, settings, widths }: Plan): Float32Array {
  const values = new Float32Array(layout.size);
  const last = widths.length - 1;
  for (const { name, shape } of layout.slots) {
    const part = valuesOf(values, layout, name);
    const [network, layer, ...rest] = name.split(".");
    if (network === "map") for (let i = 0; i < part.length; i += shape[0]! + 1) part[i] = 1;
    if (!["encoder", "decoder", "alignment"].includes(network!)) continue;
    if (settings.skip && network !== "alignment" && Number(layer) === last) continue;
    // The mean of a batch takes it away.
    if (settings.norm === "batch" && rest[0] === "bias" && Number(layer) < last) continue;
    if (rest[0] === "norm") {
      if (rest[1] === "scale" || rest[1] === "variance") part.fill(1);
      continue;
    }
    const weight = layout.slots.find((slot) => slot.name === `${network}.${layer}.weight`)!;
    const bound = 1 / Math.sqrt(weight.shape[1]!);
    const random = new Random(seed).stream("initial", name);
    for (let i = 0; i < sizeOf(shape); i++) part[i] = bound * (2 * random.uniform() - 1);
  }
  return values;
}
