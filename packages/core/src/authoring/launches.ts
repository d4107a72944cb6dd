// What a backend gives the base classes: functions that enqueue the work of kernels. Their arguments are checked, and the
// outputs made. They get the device first; whatever they throw frees the outputs and passes to the caller.

import type {
  AssignExtents,
  ClusterExtents,
  GatherExtents,
  ProductExtents,
} from "../arguments/index.js";
import type { Activation } from "../training.js";
import type { TensorTypes } from "./tensor-holder.js";

export interface NearestTensors<T extends TensorTypes> {
  readonly x: T["float32"];
  readonly books: T["float32"];
  readonly codes: T["int32"];
  readonly distances: T["float32"];
}

export interface ResidualTensors<T extends TensorTypes> {
  readonly x: T["float32"];
  readonly books: T["float32"];
  readonly codes: T["int32"];
  readonly parents: T["int32"] | undefined;
  readonly out: T["float32"];
}

export interface ClusterTensors<T extends TensorTypes> {
  readonly x: T["float32"];
  readonly codes: T["int32"];
  readonly weights: T["float32"] | undefined;
  readonly sums: T["float32"];
  readonly counts: T["float32"];
}

/** `op(a) · op(b)`, and what is done with it. */
export interface ProductTask<T extends TensorTypes> extends ProductExtents {
  readonly a: T["float32"];
  readonly b: T["float32"];
  readonly out: T["float32"];
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** `[columns]`, added to every row. */
  readonly bias?: T["float32"] | undefined;
  /** `[rows, columns]`, in place of a bias. */
  readonly add?: T["float32"] | undefined;
  readonly activation?: Activation;
  /** Gets what the activation is applied to. */
  readonly pre?: T["float32"] | undefined;
  /** Has the product multiplied by the activation's derivative at these values instead. */
  readonly before?: T["float32"] | undefined;
}

export interface ScalarTensors<T extends TensorTypes> {
  readonly values: T["float32"];
  readonly codes: T["uint8"];
  readonly lower: T["float32"];
  readonly step: T["float32"];
}

/** Thresholds of each column; without a tensor, 0. */
export interface Thresholds<T extends TensorTypes> {
  readonly count: number;
  readonly tensor: T["float32"] | undefined;
}

/** Launches of the kernels that every backend has. */
export interface KernelLaunches<C, T extends TensorTypes> {
  /** `assignTopK`; without a count, `assign`. */
  readonly nearest: (
    device: C,
    tensors: NearestTensors<T>,
    extents: AssignExtents,
    metric: "l2" | "ip",
    count: number | undefined,
  ) => void;
  readonly gather: (
    device: C,
    books: T["float32"],
    codes: T["int32"],
    out: T["float32"],
    extents: GatherExtents,
  ) => void;
  readonly residual: (device: C, tensors: ResidualTensors<T>, extents: GatherExtents) => void;
  readonly sumClusters: (device: C, tensors: ClusterTensors<T>, extents: ClusterExtents) => void;
  /** `matmul`, and in training `linear` and `inputGradient`. */
  readonly multiply: (device: C, task: ProductTask<T>) => void;
  readonly combine: (
    device: C,
    tensors: { readonly a: T["float32"]; readonly b: T["float32"]; readonly out: T["float32"] },
    alpha: number,
    beta: number,
  ) => void;
  readonly take: (device: C, x: T["float32"], indices: T["int32"], out: T["float32"]) => void;
  readonly encodeScalars: (
    device: C,
    tensors: ScalarTensors<T>,
    levels: number,
    bits: number,
  ) => void;
  readonly decodeScalars: (device: C, tensors: ScalarTensors<T>, bits: number) => void;
  /** `thresholdEncode` and `packSigns`. */
  readonly encodeByThresholds: (
    device: C,
    values: T["float32"],
    thresholds: Thresholds<T>,
    codes: T["uint8"],
    bits: number,
  ) => void;
}
