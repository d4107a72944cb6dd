import {
  ArgumentError,
  batchesOf,
  checkReplayable,
  evaluate,
  type FitContext,
  FormatError,
  isMatrix,
  type Model,
  type Progress,
  type QuantizerPart,
  Random,
  type Rows,
  sampleRows,
  type Spec,
  type SplitSpec,
  withSampledRows,
} from "@tessera/core";
import { checkGroups } from "@tessera/kmeans";
import { columnsOfRows } from "./columns.js";
import { fitCodebooks, isPlainVq } from "./codebooks.js";
import { PqModel, readPqFacts } from "./pq-model.js";
import { namingWholeRow, SharedSplitModel, slicesAsRows } from "./shared-split-model.js";
import { readSplitFacts, type SplitFacts, SplitModel } from "./split-model.js";

/** Sub-quantizers that a model file may have in all. */
const MOST_GROUPS = 2 ** 16;

/** Fits and loads `splitM(q)` of any part `q`, `pq…` among them; give it to `createQuantizers` with the part of `q`. */
export const splitPart: QuantizerPart<"split"> = {
  kind: "split",
  async fit(spec, rows, context) {
    const { options, seed } = context;
    if (isPlainVq(spec.each) && !spec.shared) {
      return fitCodebooks(spec.groups, spec.each.codebookSize, rows, { ...options, seed });
    }
    const { sample, signal } = options;
    if (sample === undefined) {
      checkReplayable(rows);
      return fitSlices(spec, rows, context);
    }
    // One sample for all groups; what a group would draw from it is all of it.
    const random = new Random(seed).stream("sample");
    const drawn = await sampleRows(rows, sample, random, signal);
    return withSampledRows(drawn, () => fitSlices(spec, drawn.matrix, context));
  },
  restore(spec, state, context) {
    // Sub-quantizers without tensors would not run out of them.
    if (countGroups(spec) > MOST_GROUPS) {
      throw new FormatError(`the model's spec has more than ${MOST_GROUPS} groups`);
    }
    const { groups, each } = spec;
    if (spec.shared) {
      const model = context.restore(each, state.child("shared"));
      return new SharedSplitModel(groups, model, readSplitFacts(state.facts));
    }
    if (isPlainVq(each)) {
      const codebooks = Array.from({ length: groups }, (_, m) =>
        state.child(`groups.${m}`).matrix("codebook", each.codebookSize),
      );
      return new PqModel(codebooks, readPqFacts(state.facts));
    }
    return new SplitModel(
      Array.from({ length: groups }, (_, m) => context.restore(each, state.child(`groups.${m}`))),
      readSplitFacts(state.facts),
    );
  },
};

async function fitSlices(
  spec: SplitSpec,
  rows: Rows,
  context: FitContext,
): Promise<SplitModel | SharedSplitModel> {
  const { backend, signal } = context.options;
  const cols = await widthOf(rows, signal);
  checkGroups(spec.groups, cols);
  const fitted = await (spec.shared
    ? fitShared(spec, rows, cols, context)
    : fitGroups(spec, rows, cols, context));
  const { distortion } = await evaluate(fitted({}), rows, { backend, signal });
  return fitted({ distortion });
}

type Fitted<M> = (facts: SplitFacts) => M;

/** One sub-quantizer, on the slices of all groups as rows. */
async function fitShared(
  { groups, each }: SplitSpec,
  rows: Rows,
  cols: number,
  context: FitContext,
): Promise<Fitted<SharedSplitModel>> {
  const slices = slicesAsRows(rows, groups, cols);
  // The rows are a sample already.
  const model = await namingWholeRow(groups, () =>
    context.fit(each, slices, "shared", { sample: undefined }),
  );
  return (facts) => new SharedSplitModel(groups, model, facts);
}

/** Each group by itself, on its own slice of the rows. */
async function fitGroups(
  { groups: total, each }: SplitSpec,
  rows: Rows,
  cols: number,
  context: FitContext,
): Promise<Fitted<SplitModel>> {
  const { onProgress } = context.options;
  const groups: Model[] = [];
  for (let m = 0; m < total; m++) {
    const slice = columnsOfRows(rows, (m * cols) / total, ((m + 1) * cols) / total);
    const changes = {
      onProgress:
        onProgress &&
        ((progress: Progress) =>
          onProgress({ ...progress, task: `group ${m + 1} of ${total}: ${progress.task}` })),
    };
    groups.push(
      await namingGroup(m, total, () => context.fit(each, slice, `groups.${m}`, changes)),
    );
  }
  return (facts) => new SplitModel(groups, facts);
}

async function widthOf(rows: Rows, signal: AbortSignal | undefined): Promise<number> {
  if (isMatrix(rows)) return rows.cols;
  for await (const batch of batchesOf(rows, 1, signal)) return batch.cols;
  return 1;
}

/** Runs `body`, so that a wrong argument names the group. */
async function namingGroup<T>(group: number, total: number, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new ArgumentError(
      `group ${group + 1} of ${total}: ${error.message}`,
      error.hint === undefined ? {} : { hint: error.hint },
    );
  }
}

/** Groups of a spec and of all specs inside it, the inner ones once for each outer one. */
function countGroups(spec: Spec): number {
  switch (spec.kind) {
    case "split":
      return spec.groups * Math.max(1, countGroups(spec.each));
    case "residual":
      return spec.levels.reduce((sum, level) => sum + countGroups(level), 0);
    case "transformed":
      return countGroups(spec.quantizer);
    default:
      return 0;
  }
}
