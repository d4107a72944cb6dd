import {
  ArgumentError,
  checkReplayable,
  evaluate,
  type FitContext,
  isMatrix,
  type Model,
  type Progress,
  type QuantizerPart,
  Random,
  type ResidualSpec,
  type Rows,
  sampleRows,
  withSampledRows,
} from "@tessera/core";
import { checkBeam } from "./beam.js";
import { levelColumns, subtract } from "./columns.js";
import { ResidualModel, type ResidualFacts } from "./model.js";

/** Fits and loads `a + b + …` of any parts; give it to `createQuantizers` with theirs. */
export const residualPart: QuantizerPart<"residual"> = {
  kind: "residual",
  async fit(spec, rows, context) {
    const { sample, signal } = context.options;
    if (sample === undefined) {
      checkReplayable(rows);
      return fitLevels(spec, rows, context);
    }
    // One sample for all levels; what a level would draw from it is all of it.
    const random = new Random(context.seed).stream("sample");
    const drawn = await sampleRows(rows, sample, random, signal);
    return withSampledRows(drawn, () => fitLevels(spec, drawn.matrix, context));
  },
  restore: (spec, state, context) =>
    new ResidualModel(
      spec.levels.map((level, l) => context.restore(level, state.child(`levels.${l}`))),
      readFacts(state.facts),
    ),
};

/** Successive fitting: each level learns what those before it left over. */
async function fitLevels(
  spec: ResidualSpec,
  rows: Rows,
  context: FitContext,
): Promise<ResidualModel> {
  const { beam = 1, backend, signal, onProgress } = context.options;
  checkBeam(beam, []);
  const total = spec.levels.length;
  const levels: Model[] = [];
  let left = rows;
  for (const [l, level] of spec.levels.entries()) {
    if (l > 0) {
      // Greedy levels see what the last one left; a beam may choose other codes at every level.
      left =
        beam === 1 || l === 1
          ? await residualRows(left, levels[l - 1]!, context)
          : await residualRows(rows, new ResidualModel(levels, { beam }), context);
    }
    const changes = {
      onProgress:
        onProgress &&
        ((progress: Progress) =>
          onProgress({ ...progress, task: `level ${l + 1} of ${total}: ${progress.task}` })),
    };
    levels.push(
      await namingLevel(l, total, () => context.fit(level, left, `levels.${l}`, changes)),
    );
    checkBeam(beam, levels);
  }
  const settings: ResidualFacts = beam === 1 ? {} : { beam };
  const measured = await evaluate(new ResidualModel(levels, settings), rows, { backend, signal });
  const ends = levelColumns(levels).map(({ end }) => end);
  const { prefixes } = new ResidualModel(levels);
  return new ResidualModel(levels, {
    ...settings,
    distortionPerLevel: ends.map((end) => measured.distortionPerLevel[prefixes.indexOf(end)]!),
  });
}

/** What a model leaves over of rows; of a stream batch by batch, anew in each pass. */
async function residualRows(rows: Rows, model: Model, context: FitContext): Promise<Rows> {
  const { backend, signal } = context.options;
  const leftover = async (batch: Parameters<typeof subtract>[0]) => {
    const codes = await model.encode(batch, { backend, signal });
    return subtract(batch, await model.decode(codes, { backend, signal }));
  };
  if (isMatrix(rows)) return leftover(rows);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const batch of rows) yield await leftover(batch);
    },
  };
}

/** Runs `body`, so that a wrong argument names the level. */
async function namingLevel<T>(level: number, total: number, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new ArgumentError(
      `level ${level + 1} of ${total}: ${error.message}`,
      error.hint === undefined ? {} : { hint: error.hint },
    );
  }
}

/** Facts of a model file, as far as they are ones. */
function readFacts(facts: Readonly<Record<string, unknown>>): ResidualFacts {
  const { beam, distortionPerLevel } = facts;
  return {
    ...(Number.isInteger(beam) && { beam: beam as number }),
    ...(Array.isArray(distortionPerLevel) &&
      distortionPerLevel.every((value) => typeof value === "number") && { distortionPerLevel }),
  };
}
