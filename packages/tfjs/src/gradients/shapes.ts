import {
  addN,
  concat,
  type GradConfig,
  pad,
  reshape,
  slice,
  split,
  stack,
  type Tensor,
  type Tensor2D,
  transpose,
  unstack,
  util,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { ArgumentError } from "@tessera/core";
import { sumsByCode } from "../codebook/nearest.js";
import { Attributes, unary } from "./config.js";

/** Kernels that move elements. */
export const shapes: readonly GradConfig[] = [
  unary("Reshape", { saves: "input", gradient: (dy, x) => reshape(dy, x.shape) }),
  unary("ExpandDims", {
    input: "input",
    saves: "input",
    gradient: (dy, x) => reshape(dy, x.shape),
  }),
  unary("Transpose", {
    gradient: (dy, _, attributes) => {
      const perm = attributes.get<number[]>("perm");
      return transpose(
        dy,
        perm.map((__, axis) => perm.indexOf(axis)),
      );
    },
  }),
  unary("Slice", {
    saves: "input",
    gradient: (dy, x, attributes) => {
      const given = attributes.get<number | number[]>("begin");
      const begin = Array.isArray(given) ? given : [given];
      return pad(
        dy,
        x.shape.map((length, axis): [number, number] => {
          const before = begin[axis] ?? 0;
          return [before, length - before - dy.shape[axis]!];
        }),
      );
    },
  }),
  unary("PadV2", {
    saves: "input",
    gradient: (dy, x, attributes) => {
      const paddings = attributes.get<[number, number][]>("paddings");
      return slice(
        dy,
        paddings.map(([before]) => before),
        x.shape,
      );
    },
  }),
  unary("Tile", {
    saves: "input",
    gradient: (dy, x, attributes) => {
      let total = dy;
      attributes.get<number[]>("reps").forEach((count, axis) => {
        if (count > 1) total = addN(split(total, count, axis));
      });
      return reshape(total, x.shape);
    },
  }),
  {
    kernelName: "Concat",
    saveAllInputs: true,
    gradFunc: (dy, saved, attrs) => {
      const [axis] = util.parseAxisParam(
        new Attributes(attrs).get<number>("axis"),
        saved[0]!.shape,
      );
      const lengths = saved.map(({ shape }) => shape[axis!]!);
      const parts = split(dy as Tensor, lengths, axis);
      return Object.fromEntries(parts.map((part, i) => [i, () => part]));
    },
  },
  {
    kernelName: "Pack",
    saveAllInputs: true,
    gradFunc: (dy, _, attrs) => {
      const parts = unstack(dy as Tensor, new Attributes(attrs).get<number>("axis"));
      return Object.fromEntries(parts.map((part, i) => [i, () => part]));
    },
  },
  {
    kernelName: "Unpack",
    gradFunc: (dy, _, attrs) => ({
      value: () => stack(dy as Tensor[], new Attributes(attrs).get<number>("axis")),
    }),
  },
  {
    kernelName: "SplitV",
    gradFunc: (dy, _, attrs) => ({
      x: () => concat(dy as Tensor[], new Attributes(attrs).get<number>("axis")),
    }),
  },
  {
    kernelName: "GatherV2",
    inputsToSave: ["x", "indices"],
    gradFunc: (dy, saved, attrs) => {
      const [x, indices] = saved as [Tensor, Tensor];
      const attributes = new Attributes(attrs);
      const [axis] = util.parseAxisParam(attributes.get<number>("axis"), x.shape);
      if (attributes.get<number | undefined>("batchDims")) {
        throw new ArgumentError("the gradient of gather with batchDims is not registered", {
          hint: "import @tensorflow/tfjs, which has all gradients",
        });
      }
      return {
        x: () => scatter(dy as Tensor, indices, x.shape, axis!),
        indices: () => zerosLike(indices),
      };
    },
  },
];

/** Adds up what was gathered along an axis, as a product, in which backends without scattered additions share. */
function scatter(dy: Tensor, indices: Tensor, shape: readonly number[], axis: number): Tensor {
  const size = shape[axis]!;
  // The gathered axes first, and the others as one.
  const gathered = indices.shape.map((_, i) => axis + i);
  const others = dy.shape.map((_, i) => i).filter((i) => !gathered.includes(i));
  const rest = shape.filter((_, i) => i !== axis);
  const width = rest.reduce((a, b) => a * b, 1);
  const rows: Tensor2D = reshape(transpose(dy, [...gathered, ...others]), [indices.size, width]);
  const sums = sumsByCode(rows, reshape(indices, [indices.size]), size);
  const order = shape.map((_, i) => (i === axis ? 0 : i < axis ? i + 1 : i));
  return transpose(reshape(sums, [size, ...rest]), order);
}
