import {
  checkAssign,
  checkAssignTopK,
  checkClusterSums,
  checkCombine,
  checkGather,
  checkMatmul,
  checkPackSigns,
  checkResidual,
  checkScalarDecode,
  checkScalarEncode,
  checkTake,
  checkThresholdEncode,
  type ScalarExtents,
} from "../arguments/index.js";
import type {
  Assignment,
  AssignOptions,
  ClusterSums,
  ComputeBackend,
  MatmulOptions,
  ScalarEncodeOptions,
  ScalarOptions,
} from "../backend.js";
import type { Tensor } from "../tensor.js";
import { TensorHolder, type TensorTypes } from "./tensor-holder.js";
import type { KernelLaunches } from "./launches.js";

/**
 * A backend with the kernels that every backend has. Each method takes its arguments as tensors of the backend, checks
 * them, makes the outputs, which are freed if the rest fails, and has a launch fill them.
 *
 * @typeParam C what launches run on, such as a device
 * @typeParam T the backend's tensors
 */
export abstract class DeviceBackend<C, T extends TensorTypes>
  extends TensorHolder<T>
  implements ComputeBackend
{
  /** What launches are given first. */
  abstract readonly device: C;
  protected abstract readonly launches: KernelLaunches<C, T>;

  assign(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    options: AssignOptions = {},
  ): Assignment {
    return this.#nearest(x, codebooks, undefined, options);
  }

  assignTopK(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    count: number,
    options: AssignOptions = {},
  ): Assignment {
    return this.#nearest(x, codebooks, count, options);
  }

  gather(codebooks: Tensor<"float32">, codes: Tensor<"int32">): Tensor<"float32"> {
    const books = this.own(codebooks, "codebooks", "float32");
    const chosen = this.own(codes, "codes", "int32");
    const shape = checkGather(books, chosen);
    return this.made(() => {
      const out = this.output("float32", [shape.rows, shape.width]);
      this.launches.gather(this.device, books, chosen, out, shape);
      return out;
    });
  }

  residual(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    codes: Tensor<"int32">,
    parents?: Tensor<"int32">,
  ): Tensor<"float32"> {
    const rows = this.own(x, "x", "float32");
    const books = this.own(codebooks, "codebooks", "float32");
    const chosen = this.own(codes, "codes", "int32");
    const from = parents && this.own(parents, "parents", "int32");
    const shape = checkResidual(rows, books, chosen, from);
    return this.made(() => {
      const out = this.output("float32", [shape.rows, shape.width]);
      const tensors = { x: rows, books, codes: chosen, parents: from, out };
      this.launches.residual(this.device, tensors, shape);
      return out;
    });
  }

  clusterSums(
    x: Tensor<"float32">,
    codes: Tensor<"int32">,
    codebookSize: number,
    weights?: Tensor<"float32">,
  ): ClusterSums {
    const rows = this.own(x, "x", "float32");
    const chosen = this.own(codes, "codes", "int32");
    const weighting = weights && this.own(weights, "weights", "float32");
    const shape = checkClusterSums(rows, chosen, codebookSize, weighting);
    const { groups, dimension } = shape;
    return this.made(() => {
      const sums = this.output("float32", [groups, codebookSize, dimension]);
      const counts = this.output("float32", [groups, codebookSize]);
      const tensors = { x: rows, codes: chosen, weights: weighting, sums, counts };
      this.launches.sumClusters(this.device, tensors, shape);
      return { sums, counts };
    });
  }

  matmul(
    a: Tensor<"float32">,
    b: Tensor<"float32">,
    options: MatmulOptions = {},
  ): Tensor<"float32"> {
    const left = this.own(a, "a", "float32");
    const right = this.own(b, "b", "float32");
    const bias = options.bias && this.own(options.bias, "bias", "float32");
    const extents = checkMatmul(left, right, options);
    return this.made(() => {
      const out = this.output("float32", [extents.rows, extents.columns]);
      this.launches.multiply(this.device, { ...extents, a: left, b: right, bias, out });
      return out;
    });
  }

  combine(
    a: Tensor<"float32">,
    b: Tensor<"float32">,
    alpha: number,
    beta: number,
  ): Tensor<"float32"> {
    const left = this.own(a, "a", "float32");
    const right = this.own(b, "b", "float32");
    checkCombine(left, right);
    return this.made(() => {
      const out = this.output("float32", left.shape);
      this.launches.combine(this.device, { a: left, b: right, out }, alpha, beta);
      return out;
    });
  }

  take(x: Tensor<"float32">, indices: Tensor<"int32">): Tensor<"float32"> {
    const rows = this.own(x, "x", "float32");
    const chosen = this.own(indices, "indices", "int32");
    const { count, width } = checkTake(rows, chosen);
    return this.made(() => {
      const out = this.output("float32", [count, width]);
      this.launches.take(this.device, rows, chosen, out);
      return out;
    });
  }

  scalarEncode(
    x: Tensor<"float32">,
    lower: Tensor<"float32">,
    step: Tensor<"float32">,
    options: ScalarEncodeOptions = {},
  ): Tensor<"uint8"> {
    const values = this.own(x, "x", "float32");
    const from = this.own(lower, "lower", "float32");
    const by = this.own(step, "step", "float32");
    const { rows, width, bits, levels } = checkScalarEncode(values, from, by, options);
    return this.made(() => {
      const codes = this.output("uint8", [rows, width]);
      const tensors = { values, codes, lower: from, step: by };
      this.launches.encodeScalars(this.device, tensors, levels, bits);
      return codes;
    });
  }

  scalarDecode(
    codes: Tensor<"uint8">,
    lower: Tensor<"float32">,
    step: Tensor<"float32">,
    options: ScalarOptions = {},
  ): Tensor<"float32"> {
    const held = this.own(codes, "codes", "uint8");
    const from = this.own(lower, "lower", "float32");
    const by = this.own(step, "step", "float32");
    const { rows, dimension, bits } = checkScalarDecode(held, from, by, options);
    return this.made(() => {
      const values = this.output("float32", [rows, dimension]);
      const tensors = { values, codes: held, lower: from, step: by };
      this.launches.decodeScalars(this.device, tensors, bits);
      return values;
    });
  }

  thresholdEncode(
    x: Tensor<"float32">,
    thresholds: Tensor<"float32">,
    options: ScalarOptions = {},
  ): Tensor<"uint8"> {
    const values = this.own(x, "x", "float32");
    const above = this.own(thresholds, "thresholds", "float32");
    const extents = checkThresholdEncode(values, above, options);
    return this.#byThresholds(values, { count: above.shape[0]!, tensor: above }, extents);
  }

  packSigns(x: Tensor<"float32">, thresholds?: Tensor<"float32">): Tensor<"uint8"> {
    const values = this.own(x, "x", "float32");
    const above = thresholds && this.own(thresholds, "thresholds", "float32");
    const extents = checkPackSigns(values, above);
    return this.#byThresholds(values, { count: 1, tensor: above }, extents);
  }

  #byThresholds(
    x: T["float32"],
    thresholds: { readonly count: number; readonly tensor: T["float32"] | undefined },
    { rows, width, bits }: ScalarExtents,
  ): Tensor<"uint8"> {
    return this.made(() => {
      const codes = this.output("uint8", [rows, width]);
      this.launches.encodeByThresholds(this.device, x, thresholds, codes, bits);
      return codes;
    });
  }

  #nearest(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    count: number | undefined,
    options: AssignOptions,
  ): Assignment {
    const rows = this.own(x, "x", "float32");
    const books = this.own(codebooks, "codebooks", "float32");
    const extents =
      count === undefined
        ? checkAssign(rows, books, options)
        : checkAssignTopK(rows, books, count, options);
    const shape = [extents.rows, extents.groups, ...(count === undefined ? [] : [count])];
    return this.made(() => {
      const codes = this.output("int32", shape);
      const distances = this.output("float32", shape);
      const tensors = { x: rows, books, codes, distances };
      this.launches.nearest(this.device, tensors, extents, extents.metric, count);
      return { codes, distances };
    });
  }
}
