import type { ProductExtents } from "../arguments/index.js";
import type { Activation, OptimizerUpdate, ReconstructionOptions } from "../training.js";
import type { TensorTypes } from "./tensor-holder.js";
import type { KernelLaunches } from "./launches.js";

/** `aᵀ · b`, and the column sums of `a`, in the place of what `out` and `sums` hold. */
export interface GradientTask<T extends TensorTypes> extends ProductExtents {
  readonly a: T["float32"];
  readonly b: T["float32"];
  readonly out: T["float32"];
  readonly transposeA: true;
  readonly sums: T["float32"] | undefined;
}

export interface NormTask<T extends TensorTypes> {
  readonly x: T["float32"];
  readonly scale: T["float32"];
  readonly shift: T["float32"];
  readonly epsilon: number;
  readonly activation: Activation;
  readonly out: T["float32"];
  /** Gets what the activation is applied to. */
  readonly pre: T["float32"] | undefined;
}

export interface NormGradientsTask<T extends TensorTypes> {
  readonly x: T["float32"];
  readonly scale: T["float32"];
  readonly gradient: T["float32"];
  readonly epsilon: number;
  readonly out: T["float32"];
  readonly intoScale: T["float32"];
  readonly intoShift: T["float32"];
}

export interface LossTask<T extends TensorTypes> {
  readonly output: T["float32"];
  readonly target: T["float32"];
  readonly losses: T["float32"];
  readonly gradient: T["float32"];
}

export interface EmaTask<T extends TensorTypes> {
  readonly codebooks: T["float32"];
  readonly sums: T["float32"];
  readonly counts: T["float32"];
  readonly usage: T["float32"];
}

/** Launches of the kernels without which there is no training. */
export interface TrainingLaunches<C, T extends TensorTypes> extends KernelLaunches<C, T> {
  readonly write: <D extends keyof T>(device: C, source: T[D], target: T[D]) => void;
  /** `parameterGradients` */
  readonly multiplyInto: (device: C, task: GradientTask<T>) => void;
  /** `layerNorm` */
  readonly normalize: (device: C, task: NormTask<T>) => void;
  readonly normGradients: (device: C, task: NormGradientsTask<T>) => void;
  readonly dropOut: (
    device: C,
    x: T["float32"],
    out: T["float32"],
    rate: number,
    seed: number,
    call: number,
  ) => void;
  readonly loss: (device: C, task: LossTask<T>, options: ReconstructionOptions) => void;
  readonly rotate: (
    device: C,
    z: T["float32"],
    quantized: T["float32"],
    gradient: T["float32"],
    out: T["float32"],
  ) => void;
  readonly sumSquares: (device: C, x: T["float32"], out: T["float32"]) => void;
  readonly step: (
    device: C,
    parameters: T["float32"],
    gradients: T["float32"],
    state: readonly T["float32"][],
    update: OptimizerUpdate,
    squaredNorm: T["float32"] | undefined,
  ) => void;
  readonly moveAverages: (device: C, task: EmaTask<T>, decay: number) => void;
}
