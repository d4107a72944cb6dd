import { ArgumentError, printSpec, type Spec } from "@tessera/core";
import { epsilonsOf } from "./balance.js";
import { type Bottleneck, bottleneckOf, codewordsPerGroup } from "./bottleneck.js";
import { settingsOfFinite } from "./finite.js";
import { layOut, type Layout } from "./layout.js";
import { networkParameters } from "./network.js";
import { checkStart } from "./pca-start.js";
import { resolveSettings, type TrainingSettings } from "./settings.js";

/** All that is known before training: what the network looks like and how it is to be trained. */
export interface Plan {
  /** Values of a row. */
  readonly dimension: number;
  /** Outputs of the encoder's layers, the last the latent's. */
  readonly widths: readonly number[];
  /** Values of a latent. */
  readonly latent: number;
  readonly bottleneck: Bottleneck;
  readonly settings: TrainingSettings;
  readonly seed: number;
  /** Values of a row of the second embedding that latents are aligned with, if they are. */
  readonly alignment: number | undefined;
  /** Of the two networks and, under `projected`, the maps of the codebooks, and the alignment's map; then the codebooks. */
  readonly layout: Layout;
  /** Where the codebooks start in the vector of all parameters; all from there on is theirs. */
  readonly codebooks: number;
}

/** The name of the map from latents to the second embedding. */
export const ALIGNMENT_MAP = "alignment.0.weight";

export interface PlanOptions {
  readonly dimension: number;
  readonly widths: readonly number[];
  readonly quantizer: Spec;
  readonly settings?: Partial<TrainingSettings> | undefined;
  readonly seed?: number | undefined;
  readonly alignment?: number | undefined;
}

/**
 * @throws {ArgumentError} for a setting out of range
 * @throws {SpecError} for a quantizer whose codebooks cannot be trained so
 */
export function makePlan(options: PlanOptions): Plan {
  const { dimension, widths, quantizer, settings, seed = 0, alignment } = options;
  const bottleneck = bottleneckOf(quantizer);
  const given = settings ?? {};
  const resolved = resolveSettings(bottleneck.finite ? settingsOfFinite(given) : given);
  // With a skip the sum of row and network needs one dimension.
  const outputs = resolved.skip ? [...widths.slice(0, -1), dimension] : widths;
  const latent = outputs.at(-1)!;
  const { groups, sizes } = bottleneck;
  if (latent % groups !== 0) {
    throw new ArgumentError(`a latent of ${latent} values does not divide into ${groups} groups`, {
      hint: "the last width must be a multiple of the groups",
    });
  }
  if (bottleneck.finite && latent !== sizes.length) {
    throw new ArgumentError(
      `a latent of ${latent} values is not the ${sizes.length} that ${printSpec(bottleneck.spec)} rounds`,
      { hint: `such as ae(512,256,128,${sizes.length})>fsq(${sizes.join()})` },
    );
  }
  checkStart(resolved);
  if (resolved.norm === "batch" && resolved.batchSize < 2) {
    throw new ArgumentError("batchSize is 1, which leaves batch normalization no variance", {
      hint: "set it to some tens at least",
    });
  }
  epsilonsOf(resolved, sizes.length);
  const { levelWeights } = resolved;
  if (levelWeights && levelWeights.length !== sizes.length) {
    throw new ArgumentError(
      `levelWeights has ${levelWeights.length} values for ${sizes.length} levels`,
    );
  }
  const all = [dimension, ...outputs];
  const dimensionOfCodeword = latent / groups;
  const maps =
    resolved.codebooks === "projected"
      ? sizes.map((_, l) => ({
          name: `map.${l}`,
          shape: [dimensionOfCodeword, dimensionOfCodeword],
          decay: false,
        }))
      : [];
  const layout = layOut([
    ...networkParameters("encoder", all, resolved),
    ...networkParameters("decoder", all.toReversed(), resolved),
    ...maps,
    ...(alignment === undefined || alignment === latent
      ? []
      : [{ name: ALIGNMENT_MAP, shape: [alignment, latent], decay: true }]),
    { name: "codebooks", shape: [codewordsPerGroup(bottleneck), latent], decay: false },
  ]);
  const { start } = layout.slots.find(({ name }) => name === "codebooks")!;
  return {
    dimension,
    widths: outputs,
    latent,
    bottleneck,
    settings: resolved,
    seed,
    alignment,
    layout,
    codebooks: start,
  };
}

/** Tensors of state that the optimizer keeps. */
export function stateCount({ optimizer, momentum }: TrainingSettings): number {
  if (optimizer === "adamw") return 2;
  return optimizer === "sgd" && momentum === 0 ? 0 : 1;
}

/** How many of the rows are held out. */
export function heldOutRows(rows: number, { settings }: Plan): number {
  return Math.floor(settings.holdOut * rows);
}

/** The learning rate of a step, counted from 0. */
export function learningRateAt(step: number, { settings }: Plan): number {
  const { learningRate, warmup, schedule, steps, pretraining } = settings;
  if (step < warmup) return (learningRate * (step + 1)) / warmup;
  const share = (step - warmup) / Math.max(1, steps + pretraining - warmup);
  if (schedule === "cosine") return 0.5 * learningRate * (1 + Math.cos(Math.PI * share));
  return schedule === "linear" ? learningRate * (1 - share) : learningRate;
}

/** T of a step under `gumbel`, counted from 0: from the first to the last with codebooks it falls geometrically. */
export function temperatureAt(step: number, { settings }: Plan): number {
  const [start, end] = settings.temperature;
  const share = (step - settings.pretraining) / Math.max(1, settings.steps - 1);
  return start * (end / start) ** share;
}
