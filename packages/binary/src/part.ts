import type { QuantizerPart } from "@tessera/core";
import { fitSignSpec } from "./sign-fit.js";
import { type SignFacts, SignModel } from "./sign-model.js";

/** Fits and loads `sign` specs; give it to `createQuantizers`. */
export const signPart: QuantizerPart<"sign"> = {
  kind: "sign",
  fit: (spec, rows, { options, seed }) => fitSignSpec(spec, rows, { ...options, seed }),
  restore: (spec, state) =>
    new SignModel(
      spec,
      state.matrix("thresholds", 1),
      state.matrix("reconstruction", 2),
      readFacts(state.facts),
    ),
};

/** Facts of a model file, as far as they are ones. */
function readFacts({ distortion }: Readonly<Record<string, unknown>>): SignFacts {
  return typeof distortion === "number" ? { distortion } : {};
}
