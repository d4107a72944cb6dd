import type { QuantizerPart } from "@tessera/core";
import { fitSpec } from "./fit.js";
import { readFacts, VqModel } from "./model.js";

/** Fits and loads `vq` specs; give it to `createQuantizers`. */
export const vqPart: QuantizerPart<"vq"> = {
  kind: "vq",
  fit: (spec, rows, { options, seed }) => fitSpec(spec, rows, { ...options, seed }),
  restore: (spec, state) =>
    new VqModel(spec, state.matrix("codebook", spec.codebookSize), readFacts(state.facts)),
};
