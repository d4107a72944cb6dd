import {
  checkReplayable,
  type FitContext,
  type QuantizerPart,
  Random,
  type ResidualSpec,
  type Rows,
  sampleRows,
  withSampledRows,
} from "@tessera/core";
import { fitJoint } from "./joint/fit.js";
import { fitLevels } from "./levels.js";
import { ResidualModel, type ResidualFacts } from "./model.js";

/** Fits and loads `a + b + …` of any parts; give it to `createQuantizers` with theirs. */
export const residualPart: QuantizerPart<"residual"> = {
  kind: "residual",
  async fit(spec, rows, context) {
    const { sample, signal } = context.options;
    if (sample === undefined) {
      checkReplayable(rows);
      return fitSpec(spec, rows, context);
    }
    // One sample for all levels; what a level would draw from it is all of it.
    const random = new Random(context.seed).stream("sample");
    const drawn = await sampleRows(rows, sample, random, signal);
    return withSampledRows(drawn, () => fitSpec(spec, drawn.matrix, context));
  },
  restore: (spec, state, context) =>
    new ResidualModel(
      spec.levels.map((level, l) => context.restore(level, state.child(`levels.${l}`))),
      readFacts(state.facts),
      spec,
    ),
};

function fitSpec(spec: ResidualSpec, rows: Rows, context: FitContext): Promise<ResidualModel> {
  return spec.refine ? fitJoint(spec, rows, context) : fitLevels(spec, rows, context);
}

/** Facts of a model file, as far as they are ones. */
function readFacts(facts: Readonly<Record<string, unknown>>): ResidualFacts {
  const { beam, distortionPerLevel, start, rounds } = facts;
  return {
    ...(Number.isInteger(beam) && { beam: beam as number }),
    ...(Array.isArray(distortionPerLevel) &&
      distortionPerLevel.every((value) => typeof value === "number") && { distortionPerLevel }),
    ...((start === "rq" || start === "pq" || start === "opq") && { start }),
    ...(Number.isInteger(rounds) && { rounds: rounds as number }),
  };
}
