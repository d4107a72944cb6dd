import { batchesOf, FormatError, type QuantizerPart, ShapeError } from "@tessera/core";
import { MAX_DIMENSION, RabitqModel } from "./rabitq/model.js";
import { fitSignSpec } from "./sign-fit.js";
import { type SignFacts, SignModel } from "./sign-model.js";

/** Fits and loads `sign` specs, RaBitQ's among them; give it to `createQuantizers`. */
export const signPart: QuantizerPart<"sign"> = {
  kind: "sign",
  async fit(spec, rows, { options, seed }) {
    if (spec.estimator === undefined) return fitSignSpec(spec, rows, { ...options, seed });
    // RaBitQ's grid is the same for all data: there is nothing to learn but the number of values in a row.
    for await (const { cols } of batchesOf(rows, 1, options.signal)) {
      return new RabitqModel(spec, cols);
    }
    throw new ShapeError("there are no rows to fit on");
  },
  restore(spec, state) {
    if (spec.estimator !== undefined) {
      return new RabitqModel(spec, readDimension(state.facts));
    }
    return new SignModel(
      spec,
      state.matrix("thresholds", 1),
      state.matrix("reconstruction", 2),
      readFacts(state.facts),
    );
  },
};

/** Facts of a model file, as far as they are ones. */
function readFacts({ distortion }: Readonly<Record<string, unknown>>): SignFacts {
  return typeof distortion === "number" ? { distortion } : {};
}

function readDimension({ dimension }: Readonly<Record<string, unknown>>): number {
  if (typeof dimension === "number" && Number.isInteger(dimension)) {
    if (dimension >= 1 && dimension <= MAX_DIMENSION) return dimension;
  }
  throw new FormatError(
    `the model's dimension is ${JSON.stringify(dimension)}; it must be an integer from 1 to ${MAX_DIMENSION}`,
  );
}
