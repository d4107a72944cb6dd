import {
  encodeSafetensors,
  type HostTensor,
  type Matrix,
  type Model,
  printSpec,
} from "@tessera/core";
import { PqModel, SharedSplitModel, SplitModel } from "@tessera/pq";
import { ResidualModel } from "@tessera/rq";
import { VqModel } from "@tessera/vq";
import { UnsupportedError } from "../errors.js";

/**
 * A model's codebooks in the naming of vector-quantize-pytorch, as a `.safetensors` file that `load_state_dict` takes:
 * `vq…` for a `VectorQuantize`, `pq…` for one with `separate_codebook_per_head`, `rq…` for a `ResidualVQ` and
 * `splitM(rq…)` for a `GroupedResidualVQ`. With `metric=cosine` the module needs `use_cosine_sim`.
 *
 * @throws {UnsupportedError} for a model of something else than codebooks
 */
export function writeVectorQuantizePytorch(model: Model): Uint8Array {
  return encodeSafetensors(tensorsOf(model), { format: "pt" });
}

type Tensors = Record<string, HostTensor>;

function tensorsOf(model: Model): Tensors {
  const grouped = model instanceof SplitModel ? model.groups.map(levelTensors) : [];
  const [first, ...rest] = grouped;
  if (first && rest.every((other) => other !== undefined)) {
    return joined("rvqs", [first, ...rest]);
  }
  const tensors = levelTensors(model) ?? headTensors(model);
  if (tensors) return tensors;
  throw new UnsupportedError(
    `vector-quantize-pytorch has no module of codebooks that does as ${printSpec(model.spec)}`,
    { hint: "it has vq, pq, rq, and split of rq" },
  );
}

/** A `ResidualVQ`, which has one metric for all levels. */
function levelTensors(model: Model): Tensors | undefined {
  if (!(model instanceof ResidualModel)) return undefined;
  const levels = model.levels.filter(isCodebook);
  const isOne = levels.every(({ spec }) => spec.metric === levels[0]!.spec.metric);
  return levels.length === model.levels.length && isOne
    ? joined(
        "layers",
        levels.map(({ codebook }) => codebookTensors([codebook])),
      )
    : undefined;
}

/** A `VectorQuantize` with one codebook, for one head or shared by all, or one for each head. */
function headTensors(model: Model): Tensors | undefined {
  if (model instanceof PqModel) return codebookTensors(model.codebooks);
  if (model instanceof SharedSplitModel) {
    return isCodebook(model.each) ? codebookTensors([model.each.codebook]) : undefined;
  }
  const heads = model instanceof SplitModel ? model.groups : [model];
  return heads.every(isCodebook)
    ? codebookTensors(heads.map(({ codebook }) => codebook))
    : undefined;
}

function isCodebook(model: Model): model is VqModel {
  return model instanceof VqModel && model.spec.metric !== "ip";
}

function joined(name: string, parts: readonly Tensors[]): Tensors {
  return Object.fromEntries(
    parts.flatMap((part, i) =>
      Object.entries(part).map(([inner, tensor]) => [`${name}.${i}.${inner}`, tensor]),
    ),
  );
}

/** The buffers of a `_codebook`: as if each codeword had been learned from one row. */
function codebookTensors(heads: readonly Matrix[]): Tensors {
  const { rows, cols } = heads[0]!;
  const embed = new Float32Array(heads.length * rows * cols);
  heads.forEach(({ data }, head) => embed.set(data, head * rows * cols));
  const shape = [heads.length, rows, cols];
  return {
    "_codebook.initted": { dtype: "BOOL", shape: [], data: Uint8Array.of(1) },
    "_codebook.cluster_size": {
      dtype: "F32",
      shape: [heads.length, rows],
      data: new Float32Array(heads.length * rows).fill(1),
    },
    "_codebook.embed": { dtype: "F32", shape, data: embed },
    "_codebook.embed_avg": { dtype: "F32", shape, data: embed },
  };
}
