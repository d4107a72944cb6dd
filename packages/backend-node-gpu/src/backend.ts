import type {
  AssignOptions,
  Assignment,
  ClusterSums,
  ComputeBackend,
  MatmulOptions,
  ScalarEncodeOptions,
  ScalarOptions,
  Tensor,
} from "@tessera/core";
import {
  checkAssign,
  checkAssignTopK,
  checkClusterSums,
  checkCombine,
  checkGather,
  checkMatmul,
  checkResidual,
  checkScalarDecode,
  checkScalarEncode,
  checkTake,
  checkThresholdEncode,
} from "@tessera/core/arguments";
import type { Node } from "./engine.js";
import { clusterSums } from "./kernels/clusters.js";
import { gather, take } from "./kernels/codebooks.js";
import { combine, rowProducts } from "./kernels/dense.js";
import { nearest } from "./kernels/nearest.js";
import { decode, encodeByThresholds, encodeUniform } from "./kernels/scalar.js";
import type { EagerTensor } from "./tensor.js";
import { EagerTraining } from "./training-backend.js";

/** The backend over TensorFlow: checks arguments, makes tensors, runs kernels. */
export class TensorflowBackend extends EagerTraining implements ComputeBackend {
  assignTopK(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    count: number,
    options: AssignOptions = {},
  ): Assignment {
    const rows = this.own(x, "x", "float32");
    const books = this.own(codebooks, "codebooks", "float32");
    const { groups, metric } = checkAssignTopK(rows, books, count, options);
    const shape = [rows.shape[0]!, groups, count];
    return this.launch({ codes: ["int32", shape], distances: ["float32", shape] }, () =>
      nearest(this.work, grouped(rows, groups), books.node, count, metric),
    );
  }

  assign(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    options: AssignOptions = {},
  ): Assignment {
    const rows = this.own(x, "x", "float32");
    const books = this.own(codebooks, "codebooks", "float32");
    const { groups, metric } = checkAssign(rows, books, options);
    const shape = [rows.shape[0]!, groups];
    return this.launch({ codes: ["int32", shape], distances: ["float32", shape] }, () =>
      nearest(this.work, grouped(rows, groups), books.node, 1, metric),
    );
  }

  gather(codebooks: Tensor<"float32">, codes: Tensor<"int32">): Tensor<"float32"> {
    const books = this.own(codebooks, "codebooks", "float32");
    const chosen = this.own(codes, "codes", "int32");
    const { rows, width } = checkGather(books, chosen);
    return this.launch({ out: ["float32", [rows, width]] }, () => ({
      out: gather(this.engine, books.node, chosen.node),
    })).out;
  }

  residual(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    codes: Tensor<"int32">,
    parents?: Tensor<"int32">,
  ): Tensor<"float32"> {
    const from = this.own(x, "x", "float32");
    const books = this.own(codebooks, "codebooks", "float32");
    const chosen = this.own(codes, "codes", "int32");
    const owners = parents && this.own(parents, "parents", "int32");
    const { rows, width } = checkResidual(from, books, chosen, owners);
    return this.launch({ out: ["float32", [rows, width]] }, () => {
      const each = owners ? take(this.engine, from.node, owners.node, "parent") : from.node;
      return { out: this.engine.op("Sub", [each, gather(this.engine, books.node, chosen.node)]) };
    }).out;
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
    const { groups, dimension } = checkClusterSums(rows, chosen, codebookSize, weighting);
    return this.launch(
      {
        sums: ["float32", [groups, codebookSize, dimension]],
        counts: ["float32", [groups, codebookSize]],
      },
      () =>
        clusterSums(this.work, grouped(rows, groups), chosen.node, codebookSize, weighting?.node),
    );
  }

  matmul(
    a: Tensor<"float32">,
    b: Tensor<"float32">,
    options: MatmulOptions = {},
  ): Tensor<"float32"> {
    const left = this.own(a, "a", "float32");
    const right = this.own(b, "b", "float32");
    const bias = options.bias && this.own(options.bias, "bias", "float32");
    const { rows, columns, transposeA, transposeB, activation } = checkMatmul(left, right, options);
    return this.launch({ out: ["float32", [rows, columns]] }, () => {
      let out = transposeA
        ? this.engine.op("MatMul", [left.node, right.node], {
            transpose_a: true,
            transpose_b: transposeB,
          })
        : rowProducts(this.engine, left.node, right.node, transposeB);
      if (bias) out = this.engine.op("AddV2", [out, bias.node]);
      if (activation === "relu") out = this.engine.op("Relu", [out]);
      return { out };
    }).out;
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
    return this.launch({ out: ["float32", left.shape] }, () => ({
      out: combine(this.engine, left.node, right.node, alpha, beta),
    })).out;
  }

  take(x: Tensor<"float32">, indices: Tensor<"int32">): Tensor<"float32"> {
    const rows = this.own(x, "x", "float32");
    const chosen = this.own(indices, "indices", "int32");
    const { count, width } = checkTake(rows, chosen);
    return this.launch({ out: ["float32", [count, width]] }, () => ({
      out: take(this.engine, rows.node, chosen.node, "index"),
    })).out;
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
    return this.launch({ out: ["uint8", [rows, width]] }, () => ({
      out: encodeUniform(this.work, values.node, from.node, by.node, levels, bits),
    })).out;
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
    return this.launch({ out: ["float32", [rows, dimension]] }, () => ({
      out: decode(this.work, held.node, from.node, by.node, bits),
    })).out;
  }

  thresholdEncode(
    x: Tensor<"float32">,
    thresholds: Tensor<"float32">,
    options: ScalarOptions = {},
  ): Tensor<"uint8"> {
    const values = this.own(x, "x", "float32");
    const above = this.own(thresholds, "thresholds", "float32");
    const { rows, width, bits } = checkThresholdEncode(values, above, options);
    return this.launch({ out: ["uint8", [rows, width]] }, () => ({
      out: encodeByThresholds(this.work, values.node, above.node, bits),
    })).out;
  }
}

/** Rows with an axis for groups: `[n, g, d]`. */
function grouped(rows: EagerTensor<"float32">, groups: number): Node {
  const [count, width] = rows.shape as [number, number];
  return rows.owner.engine.reshape(rows.node, [count, groups, width / groups]);
}
