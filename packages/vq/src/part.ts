import type { QuantizerPart } from "@tessera/core";
import type { EmaOptions } from "./ema/options.js";
import { fitSpec, type VqTraining } from "./fit.js";
import { fitFsqSpec } from "./fsq/fit.js";
import { FsqModel } from "./fsq/model.js";
import { readFacts, VqModel } from "./model.js";

/** How a part of one's own learns its codebooks, beyond what callers of `fit` say. */
export type VqPartOptions = Pick<VqTraining, "init" | "exchange" | "update" | "batchSize"> &
  EmaOptions;

/**
 * A {@link vqPart} that learns otherwise: `createVqPart({ update: "ema" })` has every codebook of a spec, alone or inside
 * a residual or product, learned by moving averages. Products of plain codebooks (`pq16x256`) learn theirs together, by
 * k-means always.
 */
export function createVqPart(training: VqPartOptions): QuantizerPart<"vq"> {
  return {
    kind: "vq",
    fit: (spec, rows, { options, seed }) => fitSpec(spec, rows, { ...options, ...training, seed }),
    restore: (spec, state) =>
      new VqModel(spec, state.matrix("codebook", spec.codebookSize), readFacts(state.facts)),
  };
}

/** Fits and loads `vq` specs; give it to `createQuantizers`. */
export const vqPart: QuantizerPart<"vq"> = /* @__PURE__ */ createVqPart({});

/** Fits and loads `fsq` specs, `lfq` among them; give it to `createQuantizers`. */
export const fsqPart: QuantizerPart<"fsq"> = {
  kind: "fsq",
  fit: (spec, rows, { options, seed }) => fitFsqSpec(spec, rows, { ...options, seed }),
  restore(spec, state) {
    const { distortion } = state.facts;
    const facts = typeof distortion === "number" ? { distortion } : {};
    if (spec.scale === "none") return new FsqModel(spec, undefined, facts);
    const size = spec.levels.reduce((sum, count) => sum + count, 0);
    const scales = {
      center: state.matrix("center", 1),
      scale: state.matrix("scale", 1),
      values: state.matrix("values", size),
    };
    return new FsqModel(spec, scales, facts);
  },
};
