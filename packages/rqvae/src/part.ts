import { resolveBackend } from "@tessera/backend";
import { trainingBackend } from "@tessera/core";
import { TransformedModel, type TransformPart } from "@tessera/transforms";
import { autoencoderOf, restoreAutoencoder } from "./autoencoder.js";
import { bottleneckOf, modelOf } from "./bottleneck.js";
import { makePlan } from "./plan.js";
import { resolveSettings, type TrainingSettings } from "./settings.js";
import { holdRows } from "./stream.js";
import { type Learned, train, type TrainOptions } from "./train.js";

/** How an autoencoder is trained: every setting, and what happens meanwhile. */
export type AutoencoderOptions = Partial<TrainingSettings> &
  Pick<TrainOptions, "alignment" | "onEvent" | "logEvery" | "checkpoint" | "resume"> & {
    /** Called after each review with what gives the model as it stands; the run waits for it. */
    readonly onReview?: ((model: () => Promise<TransformedModel>) => unknown) | undefined;
  };

/**
 * Trains and loads `ae(…)>q` for `q` of vq, sums of vq, products of those, and fsq. Give it to `createTransformedPart` with the
 * transforms that stand beside it:
 *
 *     createTransformedPart([...transformParts, createAutoencoderPart({ steps: 10_000 })])
 *
 * @throws {ArgumentError} for a setting out of range
 */
export function createAutoencoderPart(options: AutoencoderOptions = {}): TransformPart<"ae"> {
  const { alignment, onEvent, onReview, logEvery, checkpoint, resume, ...settings } = options;
  const resolved = resolveSettings(settings);
  return {
    kind: "ae",
    check: ({ quantizer }) => void bottleneckOf(quantizer),
    async fit({ widths }, rows, { options: fitOptions, seed, quantizer, fitQuantizer }) {
      const { signal, onProgress, beam } = fitOptions;
      const backend = trainingBackend(await resolveBackend(fitOptions.backend));
      const held = await holdRows(rows, resolved.bufferRows, signal);
      const shape = { dimension: held.cols, widths, alignment: alignment?.cols };
      const plan = makePlan({ ...shape, quantizer, settings, seed });
      const fittedOf = ({ parameters, codebooks, standard }: Learned) => ({
        transform: autoencoderOf(plan, parameters, standard),
        quantizer: modelOf(codebooks, plan.bottleneck, plan.latent, beam),
      });
      const trained = await train(held, {
        plan,
        backend,
        alignment,
        fitQuantizer: (_, latents) => fitQuantizer(latents),
        signal,
        onProgress,
        onEvent,
        onReview:
          onReview &&
          ((learned) =>
            onReview(async () => {
              const { transform, quantizer } = fittedOf(await learned());
              return new TransformedModel(transform, quantizer);
            })),
        logEvery,
        checkpoint,
        resume,
      });
      return fittedOf(trained);
    },
    restore: restoreAutoencoder,
  };
}

/** {@link createAutoencoderPart} with every setting at its default. */
export const autoencoderPart: TransformPart<"ae"> = /* @__PURE__ */ createAutoencoderPart();
