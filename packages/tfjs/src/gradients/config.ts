import {
  type Attribute,
  broadcast_util,
  type GradConfig,
  type NamedAttrMap,
  reshape,
  sum,
  type Tensor,
} from "@tensorflow/tfjs-core";

/** The gradient of a kernel with one input and one output. */
export function unary(
  kernelName: string,
  {
    input = "x",
    saves,
    gradient,
  }: {
    /** The kernel's name of its input. */
    readonly input?: string;
    /** What `gradient` is given. */
    readonly saves?: "input" | "output";
    readonly gradient: (dy: Tensor, saved: Tensor, attributes: Attributes) => Tensor;
  },
): GradConfig {
  return {
    kernelName,
    ...(saves === "input" && { inputsToSave: [input] }),
    ...(saves === "output" && { outputsToSave: [true] }),
    gradFunc: (dy, [saved], attrs) => ({
      [input]: () => gradient(dy as Tensor, saved!, new Attributes(attrs)),
    }),
  };
}

/** The gradient of an element-wise kernel with two inputs, which may be broadcast. */
export function binary(
  kernelName: string,
  ofA: (dy: Tensor, a: Tensor, b: Tensor) => Tensor,
  ofB: (dy: Tensor, a: Tensor, b: Tensor) => Tensor,
): GradConfig {
  return {
    kernelName,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [Tensor, Tensor];
      return {
        a: () => collect(ofA(dy as Tensor, a, b), a.shape),
        b: () => collect(ofB(dy as Tensor, a, b), b.shape),
      };
    },
  };
}

/** Adds up what was broadcast. */
function collect(gradient: Tensor, shape: number[]): Tensor {
  const axes = broadcast_util.getReductionAxes(shape, gradient.shape);
  return reshape(axes.length > 0 ? sum(gradient, axes) : gradient, shape);
}

/** The parameters of a kernel. */
export class Attributes {
  readonly #values: NamedAttrMap;

  constructor(values: NamedAttrMap) {
    this.#values = values;
  }

  /** A parameter of the type that the kernel is documented to have. */
  get<T extends Attribute | undefined>(name: string): T {
    return this.#values[name] as T;
  }
}
