import { ArgumentError, ShapeError, type Activation, type OptimizerUpdate } from "@tessera/core";
import { expectRefused, untyped } from "../arguments.js";
import type { CaseDefinition } from "../case.js";
import { floats } from "../problems.js";
import { trainingCase } from "./problem.js";

const SHAPE = [ShapeError];
const ARGUMENT = [ArgumentError];
const EITHER = [ShapeError, ArgumentError];

export const trainingArgumentCases: readonly CaseDefinition[] = [
  trainingCase("arguments: layers and losses refuse what does not fit", async (b) => {
    const x = floats(b, new Float32Array(6), [2, 3]);
    const weight = floats(b, new Float32Array(12), [4, 3]);
    const wide = floats(b, new Float32Array(8), [2, 4]);
    const three = b.zeros([3], "float32");
    const four = b.zeros([4], "float32");
    const tanh = untyped<Activation>("tanh");
    const into = { weight: b.zeros([4, 3], "float32"), bias: b.zeros([4], "float32") };
    const norm = { scale: three, shift: three };
    const kind = untyped<"squared">("absolute");
    expectRefused(b, [
      ["linear of a vector", () => b.linear(three, weight), SHAPE],
      ["linear, 4 inputs for 3", () => b.linear(wide, weight), SHAPE],
      ["linear, bias of 3 for 4", () => b.linear(x, weight, { bias: three }), SHAPE],
      ["linear, tanh", () => b.linear(x, weight, { activation: tanh }), ARGUMENT],
      ["inputGradient, 3 outputs for 4", () => b.inputGradient(x, weight), SHAPE],
      ["inputGradient, add", () => b.inputGradient(wide, weight, { add: wide }), SHAPE],
      [
        "inputGradient, relu of nothing",
        () => b.inputGradient(wide, weight, { activation: "relu" }),
        EITHER,
      ],
      ["parameterGradients, into [4, 3] of 3", () => b.parameterGradients(x, x, into), SHAPE],
      ["linearGradients", () => b.linearGradients(x, weight, x, into), SHAPE],
      ["layerNorm, scale of 3 for 4", () => b.layerNorm(wide, norm, { epsilon: 1e-5 }), SHAPE],
      ["layerNorm, epsilon 0", () => b.layerNorm(x, norm, { epsilon: 0 }), ARGUMENT],
      ["layerNormGradients", () => b.layerNormGradients(x, three, wide, norm, 1), SHAPE],
      ["dropout of all", () => b.dropout(x, 1, 0, 0), ARGUMENT],
      ["dropout, seed −1", () => b.dropout(x, 0.5, -1, 0), ARGUMENT],
      [
        "reconstructionLoss of 3 for 4",
        () => b.reconstructionLoss(x, wide, { kind: "squared", weight: 1 }),
        SHAPE,
      ],
      [
        "reconstructionLoss, absolute",
        () => b.reconstructionLoss(x, x, { kind, weight: 1 }),
        ARGUMENT,
      ],
      ["rotateGradient of 3 for 4", () => b.rotateGradient(x, x, wide), SHAPE],
      ["write of 3 to 4", () => b.write(four, three), SHAPE],
    ]);
  }),
  trainingCase("arguments: quantizers and optimizers refuse what does not fit", async (b) => {
    const z = floats(b, new Float32Array(6), [2, 3]);
    const books = b.zeros([5, 3], "float32");
    const two = b.zeros([2], "float32");
    const three = b.zeros([3], "float32");
    const four = b.zeros([4], "float32");
    const sgd: OptimizerUpdate = { rule: "sgd", learningRate: 1, momentum: 0 };
    const unknown = { ...sgd, rule: untyped<"sgd">("newton") };
    expectRefused(b, [
      ["quantizeLevels of a vector", () => b.quantizeLevels(three, books, [5]), SHAPE],
      ["quantizeLevels, 4 codewords of 5", () => b.quantizeLevels(z, books, [2, 2]), SHAPE],
      ["quantizeLevels, no level", () => b.quantizeLevels(z, books, []), SHAPE],
      [
        "quantizeLevels, 2 groups of 3",
        () => b.quantizeLevels(z, books, [5], { groups: 2 }),
        EITHER,
      ],
      ["quantizeLevels, sums of 3", () => b.quantizeLevels(z, books, [5], { sums: three }), SHAPE],
      ["optimizerStep, gradients of 4 for 3", () => b.optimizerStep(three, four, [], sgd), SHAPE],
      ["optimizerStep, state for none", () => b.optimizerStep(three, three, [three], sgd), SHAPE],
      ["optimizerStep, newton", () => b.optimizerStep(three, three, [], unknown), ARGUMENT],
      ["emaStep, counts of 3 for 5", () => b.emaStep(books, books, three, three, 0.9), SHAPE],
      ["emaStep, decay 1", () => b.emaStep(z, z, two, two, 1), ARGUMENT],
    ]);
  }),
];
