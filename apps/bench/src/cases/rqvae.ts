import { type BenchCase, type RowsChoice, titleOf } from "../case.js";
import { SEEDS } from "../targets.js";

/** Rows that one call trains on: a call of many steps for small batches, of few for large ones. */
const ROWS_PER_CALL = 4096;

/**
 * Steps of one model, 512-512-256-128-32 and back, 3 × 256 codewords, AdamW, from the same weights on the same batches; what
 * it reconstructs after so many steps is judged, so that all must have trained the same.
 */
export function rqvaeStep(
  name: string,
  rows: RowsChoice,
  batch: number,
  judgedSteps: number,
): BenchCase {
  const steps = ROWS_PER_CALL / batch;
  return {
    name,
    title: titleOf(`RQ-VAE 512-512-256-128-32, 3×256, training, batches of ${batch}`, rows),
    kind: "rqvae-step",
    rows,
    parameters: { batch, steps, judgedSteps },
    work: { amount: steps, unit: "step" },
    outcome: "decoded",
    entries: [
      { contender: "native" },
      { contender: "wasm" },
      { contender: "torch" },
      { contender: "torch", variant: "fused", parameters: { fused: true } },
    ],
    reference: "torch",
    limitSeconds: 300,
    notes: [
      `Quality is the distortion after ${judgedSteps} steps from the same weights. PyTorch runs eagerly; fused is its AdamW in one kernel.`,
    ],
  };
}

/**
 * The whole training of `rqvae3x256` with its defaults, for five seeds.
 *
 * @param steps fewer steps, to try the bench itself
 */
export function rqvaeCatalogue(
  name: string,
  rows: RowsChoice,
  steps: number | undefined,
): BenchCase {
  return {
    name,
    title: titleOf("rqvae3x256, whole training", rows),
    kind: "rqvae-train",
    rows,
    ...(steps === undefined ? {} : { parameters: { steps } }),
    outcome: "decoded",
    once: true,
    entries: SEEDS.map((seed) => ({
      contender: "native",
      variant: `seed ${seed}`,
      parameters: { seed },
    })),
    reference: "native/seed 0",
    limitSeconds: 1200,
    notes: ["Each seed once; distortion is that of the rows trained on."],
  };
}
