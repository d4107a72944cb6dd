import type { QuantizerPart, SqSpec, StateReader } from "@tessera/core";
import { CellCodec } from "./cells.js";
import { readDimension, type ScalarCodec } from "./codec.js";
import { fitSpec } from "./fit.js";
import { HalfCodec } from "./half.js";
import { ScalarModel } from "./model.js";
import { ScaledCodec } from "./scaled.js";
import { UniformCodec } from "./uniform.js";

/** Fits and loads `sq`, `fp16` and `bf16` specs; give it to `createQuantizers`. */
export const scalarPart: QuantizerPart<"sq"> = {
  kind: "sq",
  fit: (spec, rows, { options, seed }) => fitSpec(spec, rows, { ...options, seed }),
  restore: (spec, state) => new ScalarModel(spec, restoreCodec(spec, state)),
};

function restoreCodec({ bits, levels, scale }: SqSpec, state: StateReader): ScalarCodec {
  if (levels === "fp16" || levels === "bf16") {
    return new HalfCodec(levels, readDimension(state.facts));
  }
  if (levels === undefined) return UniformCodec.restore(2 ** bits, state);
  return scale === undefined
    ? CellCodec.restore(2 ** bits, state)
    : ScaledCodec.restore(scale, 2 ** bits, state);
}
