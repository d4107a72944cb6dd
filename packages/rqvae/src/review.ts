import { checkFinite, type Tensor } from "@tessera/core";
import type { Trainer } from "./trainer.js";

/** Rows of a pass over all rows that are on the device at once. */
const BLOCK_ROWS = 4096;

/** All rows as the network sees them now. */
export interface Pass {
  /** `[n, latent]` */
  readonly latents: Float32Array;
  /** Of each level, `[n, groups]`. */
  readonly codes: readonly Int32Array[];
  /** Of each level, `[n, groups]`: squared distances from residuals to codewords; 0 without codebooks. */
  readonly distances: readonly Float32Array[];
  /** `[n]`: the squared errors of the reconstructions, in the units of standardized rows. */
  readonly errors: Float32Array;
}

/** Latents of all rows, `[n, latent]`. */
export async function allLatents(trainer: Trainer, data: Tensor<"float32">): Promise<Float32Array> {
  const rows = data.shape[0]!;
  const { latent } = trainer.plan;
  const latents = new Float32Array(rows * latent);
  for (let start = 0; start < rows; start += BLOCK_ROWS) {
    const z = trainer.backend.scope(() =>
      trainer.encode(trainer.backend.slice(data, start, Math.min(rows, start + BLOCK_ROWS))),
    );
    const read = z.read();
    z.dispose();
    latents.set(await read, start * latent);
  }
  return latents;
}

/** Encodes, quantizes and decodes all rows. */
export async function passOver(trainer: Trainer, data: Tensor<"float32">): Promise<Pass> {
  const { backend, plan } = trainer;
  const rows = data.shape[0]!;
  const { latent, bottleneck, settings } = plan;
  const { sizes, groups } = bottleneck;
  const levels = sizes.length;
  const latents = new Float32Array(rows * latent);
  const errors = new Float32Array(rows);
  const codes = sizes.map(() => new Int32Array(rows * groups));
  const distances = sizes.map(() => new Float32Array(rows * groups));
  // A decoder trained on directions alone is judged by them.
  const kind = settings.reconstruction === "squared" ? "squared" : "normalized";
  for (let start = 0; start < rows; start += BLOCK_ROWS) {
    const end = Math.min(rows, start + BLOCK_ROWS);
    const tensors = backend.scope(() => {
      const x = backend.slice(data, start, end);
      const z = trainer.encode(x);
      const found = trainer.quantize(z);
      const y = trainer.decode(found.output);
      const { losses } = backend.reconstructionLoss(y, x, { kind, weight: 1 });
      return { z, codes: found.codes, distances: found.distances, losses };
    });
    const reads = Promise.all([
      tensors.z.read(),
      tensors.codes.read(),
      tensors.distances?.read(),
      tensors.losses.read(),
    ]);
    for (const tensor of Object.values(tensors)) (tensor as Tensor | undefined)?.dispose();
    const [z, blockCodes, blockDistances, losses] = await reads;
    // Rounding would hide it.
    if (bottleneck.finite) checkFinite({ data: z, rows: end - start, cols: latent });
    latents.set(z, start * latent);
    errors.set(losses, start);
    if (blockDistances === undefined) {
      // One byte for each value of a row.
      blockCodes.forEach((code, i) => (codes[i % levels]![start + Math.floor(i / levels)] = code));
      continue;
    }
    const width = (end - start) * groups;
    for (let l = 0; l < levels; l++) {
      codes[l]!.set(blockCodes.subarray(l * width, (l + 1) * width), start * groups);
      distances[l]!.set(blockDistances.subarray(l * width, (l + 1) * width), start * groups);
    }
  }
  return { latents, codes, distances, errors };
}
