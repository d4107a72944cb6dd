import { customGrad, type GradSaveFunc, type Tensor } from "@tensorflow/tfjs-core";

/** What an op computes, and how gradients pass it. */
export interface Differentiable<T extends Tensor> {
  readonly value: T;
  /** What `gradient` needs of it. */
  readonly keep: Tensor[];
  /** The gradients with respect to the inputs, from that with respect to the value. */
  readonly gradient: (dy: T, kept: Tensor[]) => Tensor[];
}

/**
 * An op with a gradient of its own. Nothing inside is recorded, so it needs no registered gradients; tensors that it uses
 * without naming them as inputs count as constant.
 */
export function differentiable<T extends Tensor>(
  inputs: readonly Tensor[],
  compute: () => Differentiable<T>,
): T {
  const op = customGrad<T>((...given) => {
    const save = given.at(-1) as GradSaveFunc;
    const { value, keep, gradient } = compute();
    save(keep);
    return { value, gradFunc: gradient };
  });
  return op(...inputs);
}

/** What is computed without being recorded: constant to every gradient. */
export function untracked<T extends Tensor>(compute: () => T): T {
  return differentiable([], () => ({ value: compute(), keep: [], gradient: () => [] }));
}
