import {
  checkReplayable,
  type FitContext,
  FormatError,
  type QuantizerPart,
  Random,
  type ResidualSpec,
  type Rows,
  sampleRows,
  type VqSpec,
  withSampledRows,
} from "@tessera/core";
import { fitJoint } from "./joint/fit.js";
import { fitLevels } from "./levels.js";
import { fitShared, scaledLevels } from "./shared.js";
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
  restore(spec, state, context) {
    const facts = readFacts(state.facts);
    const levels = spec.shared
      ? scaledLevels(
          state.matrix("codebook", (spec.levels[0] as VqSpec).codebookSize),
          checkScales(facts.scales, spec.levels.length),
        )
      : spec.levels.map((level, l) => context.restore(level, state.child(`levels.${l}`)));
    return new ResidualModel(levels, facts, spec);
  },
};

/** @throws {FormatError} unless there is a scale from 0 to 1 for each level, the first 1 */
function checkScales(scales: ResidualFacts["scales"], levels: number): readonly number[] {
  const valid = scales?.length === levels && scales[0] === 1;
  if (valid && scales.every((scale) => scale >= 0 && scale <= 1)) return scales;
  throw new FormatError(
    `the model's facts have no scales of ${levels} levels from 0 to 1, the first of them 1`,
  );
}

function fitSpec(spec: ResidualSpec, rows: Rows, context: FitContext): Promise<ResidualModel> {
  if (spec.shared) return fitShared(spec, rows, context);
  return spec.refine ? fitJoint(spec, rows, context) : fitLevels(spec, rows, context);
}

/** Facts of a model file, as far as they are ones. */
function readFacts(facts: Readonly<Record<string, unknown>>): ResidualFacts {
  const { beam, distortionPerLevel, start, rounds, scales } = facts;
  return {
    ...(Number.isInteger(beam) && { beam: beam as number }),
    ...((start === "rq" || start === "pq" || start === "opq") && { start }),
    ...(Number.isInteger(rounds) && { rounds: rounds as number }),
    ...(isNumbers(scales) && { scales }),
    ...(isNumbers(distortionPerLevel) && { distortionPerLevel }),
  };
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}
