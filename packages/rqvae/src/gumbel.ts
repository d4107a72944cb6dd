import type { Tensor } from "@tessera/core";
import type { SoftCodebook, SoftCodebooks } from "./soft-codebooks.js";

type Floats = Tensor<"float32">;

export interface GumbelOptions {
  readonly levels: number;
  /** T, in units of what the nearest codewords of a level leave. */
  readonly temperature: number;
  readonly seed: number;
  /** Tells the noise of this pass from all others: each level and group takes the next call. */
  readonly firstCall: number;
}

/** A level's distribution over a codebook, and what it was made of. */
interface Drawn {
  readonly codebook: SoftCodebook;
  readonly unit: Floats;
  readonly probabilities: Floats;
}

export interface GumbelPass {
  /** `[n, latent]`: the sum over levels of the codewords as the probabilities weigh them. */
  readonly output: Floats;
  /**
   * The gradient with respect to the latents, through every residual; that of the codebooks is added to `into`.
   *
   * @param gradient `[n, latent]`, with respect to the output
   */
  back(gradient: Floats, into: Floats): Floats;
}

/**
 * A residual quantizer whose codes are drawn, and relaxed by Gumbel-softmax (Jang et al., "Categorical reparameterization with
 * Gumbel-softmax", ICLR 2017): with r₁ = z, level l mixes its codewords by
 *
 *     p = softmax(−‖r_l − c‖² / (T·u_l) + G),    e_l = Σ p_k c_k,    r_{l+1} = r_l − e_l
 *
 * where u_l, held constant, is what the nearest codewords leave of the batch at that level. So T means the same at every level
 * and however long latents are, and as it falls the noise G counts less beside the distances, until p is the nearest codeword.
 *
 * @param z `[n, latent]`
 * @param codebooks `[Σk, latent]`
 * @param distances `[levels, n, groups]`, to the nearest codewords
 */
export function gumbelPass(
  soft: SoftCodebooks,
  z: Floats,
  codebooks: Floats,
  distances: Floats,
  { levels, temperature, seed, firstCall }: GumbelOptions,
): GumbelPass {
  const { backend, groups } = soft;
  const scale = 2 / temperature;
  const residuals: Floats[] = [z];
  const draws: Drawn[][] = [];
  let output: Floats | undefined;
  for (let level = 0; level < levels; level++) {
    const left = residuals[level]!;
    let mixed: Floats | undefined;
    const units = soft.units(distances, level);
    const drawn = soft.level(codebooks, level).map((codebook, group) => {
      const unit = units[group]!;
      const call = (firstCall + level * groups + group) % 2 ** 32;
      const noise = { scale: 1, seed, call };
      const probabilities = backend.softmax(soft.logits(left, codebook), { scale, unit, noise });
      const own = backend.matmul(probabilities, codebook.codewords);
      mixed = mixed ? backend.combine(mixed, own, 1, 1) : own;
      return { codebook, unit, probabilities };
    });
    draws.push(drawn);
    residuals.push(backend.combine(left, mixed!, 1, -1));
    output = output ? backend.combine(output, mixed!, 1, 1) : mixed!;
  }
  return {
    output: output!,
    back(gradient, into) {
      /** With respect to the residual that a level leaves. */
      let ofLeft: Floats | undefined;
      for (let level = levels - 1; level >= 0; level--) {
        const ofMixed = ofLeft ? backend.combine(gradient, ofLeft, 1, -1) : gradient;
        for (const { codebook, unit, probabilities } of draws[level]!) {
          const ofProbabilities = backend.linear(ofMixed, codebook.codewords).output;
          const ofLogits = backend.softmaxGradient(probabilities, ofProbabilities, { scale, unit });
          const found = soft.back(residuals[level]!, codebook, ofLogits, ofLeft);
          const asMixed = backend.matmul(probabilities, ofMixed, { transposeA: true });
          soft.add(into, codebook, backend.combine(found.codewords, asMixed, 1, 1));
          ofLeft = found.rows;
        }
      }
      return ofLeft!;
    },
  };
}
