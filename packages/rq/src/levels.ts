import {
  ArgumentError,
  type FitContext,
  type Model,
  type Progress,
  type ResidualSpec,
  type Rows,
} from "@tessera/core";
import { levelColumns } from "./columns.js";
import { checkBeam } from "./encode.js";
import { distortions, residualRows } from "./leftover.js";
import { type ResidualFacts, ResidualModel, type ResidualSpecOptions } from "./model.js";

/** Successive fitting: each level learns what those before it left over. */
export async function fitLevels(
  spec: ResidualSpec,
  rows: Rows,
  context: FitContext,
): Promise<ResidualModel> {
  const { beam = 1, onProgress } = context.options;
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
  return measured(levels, beam === 1 ? {} : { beam }, rows, context);
}

/** The model of these levels, with its distortions on the rows as a fact. */
export async function measured(
  levels: readonly Model[],
  facts: ResidualFacts,
  rows: Rows,
  context: FitContext,
  options?: ResidualSpecOptions,
): Promise<ResidualModel> {
  const model = new ResidualModel(levels, facts, options);
  const found = await distortions(model, rows, context);
  const ends = levelColumns(levels).map(({ end }) => end);
  const distortionPerLevel = ends.map((end) => found[model.prefixes.indexOf(end)]!);
  return new ResidualModel(levels, { ...facts, distortionPerLevel }, options);
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
