import {
  ArgumentError,
  decodeSafetensors,
  FormatError,
  type HostTensor,
  type Matrix,
  type Model,
  toFloat32,
  type VqSpec,
} from "@tessera/core";
import { PqModel, SharedSplitModel, SplitModel } from "@tessera/pq";
import { ResidualModel } from "@tessera/rq";
import { VqModel } from "@tessera/vq";
import { fromFile, UnsupportedError } from "../errors.js";
import { type CheckpointModule, type CodebookName, findModule } from "./names.js";

export interface VectorQuantizePytorchOptions {
  /** What stands before the quantizer's names, such as `vq.`. Needed only where a checkpoint has several. */
  readonly prefix?: string | undefined;
  /** The module was made with `use_cosine_sim`, which its file does not say. Default false. */
  readonly cosine?: boolean | undefined;
  /** `heads` of a `VectorQuantize` whose heads share one codebook, which its file does not say. Default 1. */
  readonly heads?: number | undefined;
  /**
   * What to do with `project_in` and `project_out`, which are no inverses of one another. `refuse` (the default), or take
   * the quantizer `inside` them, whose rows are those that `project_in` gives.
   */
  readonly projections?: "refuse" | "inside" | undefined;
}

/** Names after which a row meets more than codebooks. */
const BEYOND: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)mlps\./, "implicit neural codebooks (QINCo)"],
  [/(^|\.)vq_bridge\./, "a vq_bridge"],
  [/_codebook\.(batch|codebook)_(mean|variance)$/, "affine parameters"],
];
/** As many levels as a spec has. */
const MOST_LEVELS = 64;

/**
 * A model of the codebooks of vector-quantize-pytorch: `VectorQuantize` as `vq…`, with a codebook for each head as `pq…`;
 * `ResidualVQ` as `rq…`; `GroupedResidualVQ` as `splitM(rq…)`. FSQ and LFQ have no codebooks.
 *
 * @param source the bytes of a `.safetensors` file, or its tensors
 * @throws {FormatError} if there are no such tensors, or they do not fit together
 * @throws {UnsupportedError} if the module does more than its codebooks say
 * @throws {ArgumentError} for an option out of range
 */
export function readVectorQuantizePytorch(
  source: Uint8Array | ReadonlyMap<string, HostTensor>,
  options: VectorQuantizePytorchOptions = {},
): Model {
  const { projections = "refuse", heads = 1 } = options;
  if (!Number.isInteger(heads) || heads < 1 || heads > 2 ** 16) {
    throw new ArgumentError(`heads is ${heads}; it must be an integer from 1 to 65536`);
  }
  return fromFile("the checkpoint", () => {
    const tensors = source instanceof Uint8Array ? tensorsOf(source) : source;
    const module = findModule(tensors, options.prefix);
    checkSupported(module, projections);
    return modelOf(module, options);
  });
}

/** With the names that `safetensors.torch.save_model` leaves out since they are of one tensor, and notes in the metadata. */
function tensorsOf(bytes: Uint8Array): ReadonlyMap<string, HostTensor> {
  const { tensors, metadata } = decodeSafetensors(bytes);
  for (const [name, kept] of Object.entries(metadata)) {
    const tensor = tensors.get(kept);
    if (tensor !== undefined && !tensors.has(name)) tensors.set(name, tensor);
  }
  return tensors;
}

function checkSupported({ tensors }: CheckpointModule, projections: "refuse" | "inside"): void {
  for (const [name, tensor] of tensors) {
    const beyond = BEYOND.find(([pattern]) => pattern.test(name));
    if (beyond) {
      throw new UnsupportedError(`the module has ${beyond[1]} ("${name}"), which Tessera has not`);
    }
    if (/(^|\.)project_(in|out)\./.test(name) && projections === "refuse") {
      throw new UnsupportedError(
        `the module has "${name}", and no transform of Tessera has a projection and another one back`,
        {
          hint: 'pass projections: "inside", and apply project_in and project_out around the model',
        },
      );
    }
    if (name.endsWith("_codebook.initted") && toFloat32(tensor)[0] === 0) {
      throw new UnsupportedError(`"${name}" is false: the codebook has not been learned yet`, {
        hint: "run the module on rows in training mode first",
      });
    }
  }
}

function modelOf({ codebooks }: CheckpointModule, options: VectorQuantizePytorchOptions): Model {
  const groups = new Map<number | undefined, CodebookName[]>();
  for (const codebook of codebooks) {
    const list = groups.get(codebook.group) ?? [];
    list.push(codebook);
    groups.set(codebook.group, list);
  }
  const models = inOrder([...groups.keys()], "group").map((group) =>
    levelsOf(groups.get(group)!, options),
  );
  return models.length === 1 ? models[0]! : productOf(models);
}

function levelsOf(
  codebooks: readonly CodebookName[],
  options: VectorQuantizePytorchOptions,
): Model {
  const order = inOrder(
    codebooks.map(({ level }) => level),
    "level",
  );
  if (order.length > MOST_LEVELS) {
    throw new UnsupportedError(`the module has ${order.length} levels; up to ${MOST_LEVELS} go`);
  }
  const levels = order.map((level) => {
    const { tensor } = codebooks.find((codebook) => codebook.level === level)!;
    return headsOf(tensor, options);
  });
  return levels.length === 1 ? levels[0]! : new ResidualModel(levels);
}

/** A codebook of each head, `[heads, K, d]`. */
function headsOf(tensor: HostTensor, { cosine, heads = 1 }: VectorQuantizePytorchOptions): Model {
  const [separate, rows, cols, ...rest] = tensor.shape;
  if (!separate || !rows || !cols || rest.length > 0) {
    throw new FormatError(
      `the checkpoint: a codebook has shape [${tensor.shape.join(", ")}], not [heads, K, d]`,
    );
  }
  if (heads > 1 && separate > 1) {
    throw new FormatError(
      `the checkpoint has a codebook for each of ${separate} heads, none that ${heads} share`,
      { hint: "leave out heads" },
    );
  }
  const values = toFloat32(tensor);
  const spec: VqSpec = { kind: "vq", codebookSize: rows, ...(cosine && { metric: "cosine" }) };
  const models = Array.from({ length: separate }, (_, head) => {
    const data = values.slice(head * rows * cols, (head + 1) * rows * cols);
    const codebook: Matrix = { data: cosine ? unitRows(data, cols) : data, rows, cols };
    return new VqModel(spec, codebook);
  });
  if (heads > 1) return new SharedSplitModel(heads, models[0]!);
  return models.length === 1 ? models[0]! : productOf(models);
}

function productOf(models: readonly Model[]): Model {
  const isPlain = (model: Model): model is VqModel =>
    model instanceof VqModel && model.spec.metric === undefined;
  return models.every(isPlain)
    ? new PqModel(models.map(({ codebook }) => codebook))
    : new SplitModel(models);
}

/** Numbers 0, 1, 2, …, or nothing at all. @throws {FormatError} if one is missing or there twice */
function inOrder(
  numbers: readonly (number | undefined)[],
  what: string,
): readonly (number | undefined)[] {
  const order = [...numbers].sort((a, b) => (a ?? -1) - (b ?? -1));
  const isNone = order.length === 1 && order[0] === undefined;
  if (!isNone && order.some((number, i) => number !== i)) {
    throw new FormatError(`the checkpoint has no ${what} ${order.findIndex((n, i) => n !== i)}`);
  }
  return order;
}

function unitRows(data: Float32Array, cols: number): Float32Array {
  const unit = new Float32Array(data.length);
  for (let start = 0; start < data.length; start += cols) {
    let squares = 0;
    for (let at = start; at < start + cols; at++) squares += data[at]! * data[at]!;
    const norm = Math.sqrt(squares) || 1;
    for (let at = start; at < start + cols; at++) unit[at] = data[at]! / norm;
  }
  return unit;
}
