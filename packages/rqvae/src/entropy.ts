import type { QuantizedLevels, Tensor } from "@tessera/core";
import type { LossSettings } from "./settings.js";
import type { SoftCodebooks } from "./soft-codebooks.js";

type Floats = Tensor<"float32">;

/**
 * The gradient of the entropy loss of each level and group,
 *
 *     entropy · (mean over rows of H(p) − diversity · H(mean over rows of p)),    p = softmax(−‖r_l − c‖² / (T·u_l))
 *
 * which makes the choice of each row clear and all codewords wanted (Yu et al., "Language model beats diffusion: tokenizer is
 * key to visual generation", ICLR 2024). The unit u_l is what the nearest codewords leave of the batch; it counts as constant,
 * and what a level leaves over does for those after it.
 *
 * @param z `[n, latent]`
 * @param codebooks `[Σk, latent]`
 * @param nearest codes and distances, both `[levels, n, groups]`
 * @param into gradients of the codebooks to add to, `[Σk, latent]`; none where codebooks have no gradient
 * @returns `[n, latent]`, with respect to z
 */
export function entropyGradient(
  soft: SoftCodebooks,
  z: Floats,
  codebooks: Floats,
  { codes, distances }: Pick<QuantizedLevels, "codes" | "distances">,
  settings: LossSettings,
  into: Floats | undefined,
): Floats {
  const { backend, groups } = soft;
  const [levels, rows] = codes.shape as [number, number];
  const weight = settings.entropy / rows;
  const scale = 2 / settings.entropyTemperature;
  let left = z;
  let total: Floats | undefined;
  for (let level = 0; level < levels; level++) {
    const units = soft.units(distances, level);
    for (const codebook of soft.level(codebooks, level)) {
      const unit = units[codebook.group]!;
      const probabilities = backend.softmax(soft.logits(left, codebook), { scale, unit });
      const clear = backend.entropy(probabilities, weight);
      const size = probabilities.shape[1]!;
      const { sums } = backend.clusterSums(probabilities, backend.zeros([rows, 1], "int32"), 1);
      const mean = backend.combine(sums, sums, 1 / rows, 0);
      const wanted = backend.entropy(
        backend.reshape(mean, [1, size]),
        -weight * settings.diversity,
      );
      const ofLogits = backend.softmaxGradient(probabilities, clear.gradient, {
        scale,
        unit,
        shared: backend.reshape(wanted.gradient, [size]),
      });
      const found = soft.back(left, codebook, ofLogits, total);
      if (into) soft.add(into, codebook, found.codewords);
      total = found.rows;
    }
    if (level + 1 === levels) break;
    const own = backend.reshape(backend.slice(codes, level, level + 1), [rows, groups]);
    left = backend.residual(left, soft.codewords(codebooks, level), own);
  }
  return total!;
}
