import {
  add,
  cast,
  div,
  exp,
  type GradConfig,
  greater,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  mul,
  neg,
  sigmoid,
  sign,
  square,
  step,
  sub,
  type Tensor,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { binary, unary } from "./config.js";

/** 2/√π, of the error function's derivative. */
const ERF_SLOPE = 2 / Math.sqrt(Math.PI);

/** Kernels that compute each element on its own. */
export const elementwise: readonly GradConfig[] = [
  unary("Abs", { saves: "input", gradient: (dy, x) => mul(dy, sign(x)) }),
  unary("Cast", { gradient: (dy) => cast(dy, "float32") }),
  unary("ClipByValue", {
    saves: "input",
    gradient: (dy, x, attributes) => {
      const least = attributes.get<number>("clipValueMin");
      const most = attributes.get<number>("clipValueMax");
      return where(logicalAnd(greaterEqual(x, least), lessEqual(x, most)), dy, zerosLike(dy));
    },
  }),
  unary("Elu", {
    saves: "output",
    gradient: (dy, y) => where(greater(y, 0), dy, mul(dy, add(y, 1))),
  }),
  unary("Erf", {
    saves: "input",
    gradient: (dy, x) => mul(dy, mul(exp(neg(square(x))), ERF_SLOPE)),
  }),
  unary("Exp", { saves: "output", gradient: (dy, y) => mul(dy, y) }),
  unary("Identity", { gradient: (dy) => dy.clone() }),
  unary("LeakyRelu", {
    saves: "input",
    gradient: (dy, x, attributes) =>
      where(greater(x, 0), dy, mul(dy, attributes.get<number>("alpha"))),
  }),
  unary("Log", { saves: "input", gradient: (dy, x) => div(dy, x) }),
  unary("Neg", { gradient: (dy) => neg(dy) }),
  unary("Relu", { saves: "input", gradient: (dy, x) => mul(dy, step(x)) }),
  unary("Rsqrt", {
    saves: "output",
    gradient: (dy, y) => mul(dy, mul(mul(y, square(y)), -0.5)),
  }),
  unary("Sigmoid", { saves: "output", gradient: (dy, y) => mul(dy, mul(y, sub(1, y))) }),
  unary("Softplus", { saves: "input", gradient: (dy, x) => mul(dy, sigmoid(x)) }),
  unary("Sqrt", { saves: "output", gradient: (dy, y) => div(dy, mul(y, 2)) }),
  unary("Square", { saves: "input", gradient: (dy, x) => mul(dy, mul(x, 2)) }),
  unary("Tanh", { saves: "output", gradient: (dy, y) => mul(dy, sub(1, square(y))) }),

  binary(
    "Add",
    (dy) => dy,
    (dy) => dy,
  ),
  binary(
    "Sub",
    (dy) => dy,
    (dy) => neg(dy),
  ),
  binary(
    "Multiply",
    (dy, _, b) => mul(dy, b),
    (dy, a) => mul(dy, a),
  ),
  binary(
    "RealDiv",
    (dy, _, b) => div(dy, b),
    (dy, a, b) => neg(div(mul(dy, a), square(b))),
  ),
  binary(
    "SquaredDifference",
    (dy, a, b) => mul(dy, mul(sub(a, b), 2)),
    (dy, a, b) => mul(dy, mul(sub(b, a), 2)),
  ),
  // Among equals the first has all of it.
  binary(
    "Maximum",
    (dy, a, b) => mul(dy, cast(greaterEqual(a, b), "float32")),
    (dy, a, b) => mul(dy, cast(less(a, b), "float32")),
  ),
  binary(
    "Minimum",
    (dy, a, b) => mul(dy, cast(lessEqual(a, b), "float32")),
    (dy, a, b) => mul(dy, cast(greater(a, b), "float32")),
  ),
  {
    kernelName: "AddN",
    saveAllInputs: true,
    gradFunc: (dy, saved) =>
      Object.fromEntries(saved.map((_, i) => [i, () => (dy as Tensor).clone()])),
  },
  {
    kernelName: "Select",
    inputsToSave: ["condition"],
    gradFunc: (dy, [condition]) => {
      const chosen = (): Tensor => cast(condition!, "float32");
      return {
        condition: () => zerosLike(condition!),
        t: () => mul(dy as Tensor, chosen()),
        e: () => mul(dy as Tensor, sub(1, chosen())),
      };
    },
  },
];
