import {
  cast,
  div,
  equal,
  exp,
  type GradConfig,
  mul,
  ones,
  reshape,
  sub,
  sum,
  type Tensor,
  util,
} from "@tensorflow/tfjs-core";
import { Attributes, unary } from "./config.js";

/** Kernels that add up or compare along axes. */
export const reductions: readonly GradConfig[] = [
  unary("Sum", {
    saves: "input",
    gradient: (dy, x, attributes) => spread(dy, x, axesOf(x, attributes.get("axis"))),
  }),
  unary("Mean", {
    saves: "input",
    gradient: (dy, x, attributes) => {
      const axes = axesOf(x, attributes.get("axis"));
      return spread(div(dy, x.size / dy.size), x, axes);
    },
  }),
  // Equals share the gradient.
  {
    kernelName: "Max",
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradFunc: (dy, saved, attrs) => {
      const [x, y] = saved as [Tensor, Tensor];
      const axes = axesOf(x, new Attributes(attrs).get("reductionIndices"));
      return {
        x: () => {
          const most = cast(equal(x, keepAxes(y, x, axes)), "float32");
          return mul(most, div(keepAxes(dy as Tensor, x, axes), sum(most, axes, true)));
        },
      };
    },
  },
  unary("Softmax", {
    input: "logits",
    saves: "output",
    gradient: (dy, y, attributes) => {
      const weighted = mul(dy, y);
      return sub(weighted, mul(y, sum(weighted, attributes.get<number>("dim"), true)));
    },
  }),
  unary("LogSoftmax", {
    input: "logits",
    saves: "output",
    gradient: (dy, y, attributes) =>
      sub(dy, mul(exp(y), sum(dy, attributes.get<number>("axis"), true))),
  }),
];

function axesOf(x: Tensor, axis: number | number[] | undefined): number[] {
  return util.parseAxisParam(axis ?? x.shape.map((_, i) => i), x.shape);
}

/** With axes of length 1 where axes were reduced. */
function keepAxes(y: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return reshape(
    y,
    x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)),
  );
}

function spread(dy: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return mul(ones(x.shape), keepAxes(dy, x, axes));
}
