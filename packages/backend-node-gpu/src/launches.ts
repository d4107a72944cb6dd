import type { DType } from "@tessera/core";
import type { GradientTask, ProductTask, TrainingLaunches } from "@tessera/core/authoring";
import { TYPE } from "./addon.js";
import type { Node } from "./engine.js";
import { fill } from "./fill.js";
import { clusterSums } from "./kernels/clusters.js";
import { gather, take } from "./kernels/codebooks.js";
import { combine, rowProducts } from "./kernels/dense.js";
import { nearest } from "./kernels/nearest.js";
import { columnSums } from "./kernels/row-sums.js";
import { decode, encodeByThresholds, encodeUniform } from "./kernels/scalar.js";
import { activate, derivative } from "./kernels/training/activations.js";
import { dropout } from "./kernels/training/dropout.js";
import { layerNorm, layerNormGradients } from "./kernels/training/layer-norm.js";
import { reconstructionLoss, rotateGradient } from "./kernels/training/losses.js";
import { emaStep, optimizerStep, sumOfSquares } from "./kernels/training/optimizers.js";
import type { Workspace } from "./kernels/workspace.js";
import type { EagerTensor } from "./tensor.js";

export type EagerTensors = { readonly [D in DType]: EagerTensor<D> };

export const launches: TrainingLaunches<Workspace, EagerTensors> = {
  nearest: (work, { x, books, codes, distances }, { groups }, metric, count = 1) =>
    fill(work, [codes, distances], () => {
      const found = nearest(work, grouped(x, groups), books.node, count, metric);
      return [found.codes, found.distances];
    }),

  gather: (work, books, codes, out) =>
    fill(work, [out], () => [gather(work.engine, books.node, codes.node)]),

  residual: (work, { x, books, codes, parents, out }) =>
    fill(work, [out], () => {
      const { engine } = work;
      const each = parents ? take(engine, x.node, parents.node, "parent") : x.node;
      return [engine.op("Sub", [each, gather(engine, books.node, codes.node)])];
    }),

  sumClusters: (work, { x, codes, weights, sums, counts }, { groups, codewords }) =>
    fill(work, [sums, counts], () => {
      const rows = grouped(x, groups);
      const made = clusterSums(work, rows, codes.node, codewords, weights?.node);
      return [made.sums, made.counts];
    }),

  multiply,

  combine: (work, { a, b, out }, alpha, beta) =>
    fill(work, [out], () => [combine(work.engine, a.node, b.node, alpha, beta)]),

  take: (work, x, indices, out) =>
    fill(work, [out], () => [take(work.engine, x.node, indices.node, "index")]),

  encodeScalars: (work, { values, codes, lower, step }, levels, bits) =>
    fill(work, [codes], () => [
      encodeUniform(work, values.node, lower.node, step.node, levels, bits),
    ]),

  decodeScalars: (work, { values, codes, lower, step }, bits) =>
    fill(work, [values], () => [decode(work, codes.node, lower.node, step.node, bits)]),

  encodeByThresholds: (work, values, { count, tensor }, codes, bits) =>
    fill(work, [codes], () => {
      const { engine } = work;
      const shape = [count, values.shape[1]!];
      const thresholds = tensor
        ? engine.reshape(tensor.node, shape)
        : engine.zeros(TYPE.float32, shape);
      return [encodeByThresholds(work, values.node, thresholds, bits)];
    }),

  write: (work, source, target) => fill(work, [target], () => [source.node]),

  multiplyInto,

  normalize: (work, { x, scale, shift, epsilon, activation, out, pre }) =>
    fill(work, pre ? [out, pre] : [out], () => {
      const { engine } = work;
      const normal = layerNorm(engine, x.node, scale.node, shift.node, epsilon);
      return [activate(engine, activation, normal), ...(pre ? [normal] : [])];
    }),

  normGradients: (work, { x, scale, gradient, epsilon, out, intoScale, intoShift }) =>
    fill(work, [out, intoScale, intoShift], () =>
      layerNormGradients(work.engine, x.node, scale.node, gradient.node, epsilon),
    ),

  dropOut: (work, x, out, rate, seed, call) =>
    fill(work, [out], () => [dropout(work.engine, x.node, rate, seed, call)]),

  loss: (work, { output, target, losses, gradient }, options) =>
    fill(work, [losses, gradient], () => {
      const made = reconstructionLoss(work.engine, output.node, target.node, options);
      return [made.losses, made.gradient];
    }),

  rotate: (work, z, quantized, gradient, out) =>
    fill(work, [out], () => [rotateGradient(work.engine, z.node, quantized.node, gradient.node)]),

  sumSquares: (work, x, out) => fill(work, [out], () => [sumOfSquares(work.engine, x.node)]),

  step: (work, parameters, gradients, state, update, squaredNorm) =>
    fill(work, [parameters, ...state], () => {
      const states = state.map(({ node }) => node);
      const { engine } = work;
      return optimizerStep(
        engine,
        parameters.node,
        gradients.node,
        states,
        update,
        squaredNorm?.node,
      );
    }),

  moveAverages: (work, { codebooks, sums, counts, usage }, decay) =>
    fill(work, [codebooks, usage], () =>
      emaStep(work.engine, codebooks.node, sums.node, counts.node, usage.node, decay),
    ),
};

function multiply(work: Workspace, task: ProductTask<EagerTensors>): void {
  const { a, b, out, transposeA = false, transposeB = false, activation = "none" } = task;
  const { bias, add, pre, before } = task;
  const { engine } = work;
  fill(work, pre ? [out, pre] : [out], () => {
    let product = transposeA
      ? engine.op("MatMul", [a.node, b.node], { transpose_a: true, transpose_b: transposeB })
      : rowProducts(engine, a.node, b.node, transposeB);
    const added = bias ?? add;
    if (added) product = engine.op("AddV2", [product, added.node]);
    if (before && activation !== "none") {
      return [engine.op("Mul", [product, derivative(engine, activation, before.node)])];
    }
    return [activate(engine, activation, product), ...(pre ? [product] : [])];
  });
}

function multiplyInto(work: Workspace, { a, b, out, sums }: GradientTask<EagerTensors>): void {
  const { engine } = work;
  fill(work, sums ? [out, sums] : [out], () => [
    engine.op("MatMul", [a.node, b.node], { transpose_a: true }),
    ...(sums ? [columnSums(engine, a.node)] : []),
  ]);
}

/** Rows with an axis for groups: `[n, g, d]`. */
function grouped(rows: EagerTensor<"float32">, groups: number): Node {
  const [count, width] = rows.shape as [number, number];
  return rows.owner.engine.reshape(rows.node, [count, groups, width / groups]);
}
