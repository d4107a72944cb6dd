import {
  type FsqSpec,
  type Matrix,
  type Model,
  printSpec,
  type Spec,
  SpecError,
  type VqSpec,
} from "@tessera/core";
import { PqModel, SplitModel } from "@tessera/pq";
import { ResidualModel } from "@tessera/rq";
import { FsqModel, VqModel } from "@tessera/vq";

/**
 * The codebooks that a latent passes: `groups` equal slices, each of as many levels as `sizes` has. Their values lie level
 * after level, within it group after group, as `quantizeLevels` takes them.
 */
export interface Bottleneck {
  readonly spec: Spec;
  /** Set where values are rounded one by one (FSQ): there are no codebooks then, and a level is a value of the latent. */
  readonly finite?: FsqSpec;
  readonly groups: number;
  /** Codewords of each level. */
  readonly sizes: readonly number[];
}

/** @throws {SpecError} for a quantizer whose codebooks cannot be trained so */
export function bottleneckOf(spec: Spec): Bottleneck {
  if (spec.kind === "fsq") {
    // The network itself learns the scale that fitting FSQ to given rows learns.
    const finite: FsqSpec = { ...spec, scale: "none" };
    return { spec: finite, finite, groups: 1, sizes: spec.levels };
  }
  if (spec.kind === "split" && !spec.shared)
    return { spec, groups: spec.groups, sizes: sizesOf(spec.each, spec) };
  return { spec, groups: 1, sizes: sizesOf(spec, spec) };
}

function sizesOf(spec: Spec, whole: Spec): number[] {
  // Levels that share a codebook, or are tuned together afterwards, would not be what is trained here.
  const plain = spec.kind === "residual" && !spec.shared && spec.refine === undefined;
  const levels = plain ? spec.levels : [spec];
  return levels.map((level) => {
    if (isPlain(level)) return level.codebookSize;
    throw new SpecError(
      `an autoencoder is trained together with vq, sums of vq, products of those, or fsq, not ${printSpec(whole)}`,
      { hint: "such as ae(512,256,128,64)>rq3x256, ae(64)>vq1024 or ae(64)>split4(rq2x256)" },
    );
  });
}

function isPlain(spec: Spec): spec is VqSpec {
  return spec.kind === "vq" && spec.metric === undefined;
}

/** Codewords of a group over all levels. */
export function codewordsPerGroup({ sizes, finite }: Bottleneck): number {
  if (finite) return 0;
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The codebook of each level and group, as views of their values. */
export function codebooksIn(
  values: Float32Array,
  { groups, sizes }: Bottleneck,
  width: number,
): Matrix[][] {
  const cols = width / groups;
  let start = 0;
  return sizes.map((rows) =>
    Array.from({ length: groups }, () => {
      const data = values.subarray(start, start + rows * cols);
      start += rows * cols;
      return { data, rows, cols };
    }),
  );
}

/** The values of a fitted quantizer's codebooks. */
export function valuesOfModel(model: Model, { groups, sizes }: Bottleneck): Float32Array {
  const { terms } = model;
  if (!terms || terms.length !== groups * sizes.length) {
    throw new SpecError(`${printSpec(model.spec)} is not one codebook for each level and group`);
  }
  const width = model.dimension;
  const values = new Float32Array(sizes.reduce((sum, size) => sum + size, 0) * width);
  let at = 0;
  sizes.forEach((_, l) => {
    for (let group = 0; group < groups; group++) {
      // Columns of codes go group by group.
      const { codebook } = terms[group * sizes.length + l]!;
      values.set(codebook.data, at);
      at += codebook.data.length;
    }
  });
  return values;
}

/** A quantizer with these codebooks. */
export function modelOf(
  values: Float32Array,
  bottleneck: Bottleneck,
  width: number,
  beam: number | undefined,
): Model {
  const { groups, sizes, finite } = bottleneck;
  if (finite) return new FsqModel(finite);
  const levels = codebooksIn(values, bottleneck, width);
  const ofGroup = (group: number): Model => {
    const models = levels.map((books, l) => {
      const { data, rows, cols } = books[group]!;
      const spec: VqSpec = { kind: "vq", codebookSize: sizes[l]! };
      return new VqModel(spec, { data: data.slice(), rows, cols });
    });
    const facts = beam === undefined || beam === 1 ? {} : { beam };
    return models.length === 1 ? models[0]! : new ResidualModel(models, facts);
  };
  if (groups === 1) return ofGroup(0);
  return sizes.length === 1
    ? new PqModel(levels[0]!.map(({ data, rows, cols }) => ({ data: data.slice(), rows, cols })))
    : new SplitModel(Array.from({ length: groups }, (_, group) => ofGroup(group)));
}
