import {
  distributionBackend,
  missingForDistributions,
  missingForTraining,
  trainingBackend,
  type CompleteBackend,
  type Tensor,
  type TrainingBackend,
} from "@tessera/core";
import { floats } from "../problems.js";
import { optionKernels, optionRowKernels } from "./every-option.js";
import { normals } from "./problem.js";

type Named = Record<string, Tensor>;

/** Enough for every thread to have some rows of a contrastive loss, whose matrix grows with the square of them. */
const MOST_CANDIDATES = 509;

function trainer(backend: CompleteBackend): TrainingBackend | undefined {
  return missingForTraining(backend).length === 0 ? trainingBackend(backend) : undefined;
}

/**
 * The training kernels whose row i depends on row i of x alone; none for a backend that does not train.
 *
 * @param codebooks `[g, k, d]`
 */
export function trainingRowKernels(
  backend: CompleteBackend,
  x: Tensor<"float32">,
  codebooks: Tensor<"float32">,
): Named {
  const train = trainer(backend);
  if (!train) return {};
  const [groups, size] = codebooks.shape as [number, number, number];
  const columns = x.shape[1]!;
  const weight = floats(backend, normals(29 * columns, 221), [29, columns]);
  const back = floats(backend, normals(columns * 29, 222), [columns, 29]);
  const row = floats(backend, normals(columns, 223));
  const layer = train.linear(x, weight, { activation: "gelu" });
  const norm = train.layerNorm(x, { scale: row, shift: row }, { epsilon: 1e-5 });
  const loss = train.reconstructionLoss(norm.output, x, { kind: "normalized", weight: 0.3 });
  const found = train.quantizeLevels(x, codebooks, [size], { groups });
  const { preActivation } = layer;
  return {
    "linear, output": layer.output,
    "linear, preActivation": preActivation,
    inputGradient: train.inputGradient(x, back, { activation: "silu", preActivation }),
    layerNorm: norm.output,
    "reconstructionLoss, losses": loss.losses,
    "reconstructionLoss, gradient": loss.gradient,
    "quantizeLevels, codes": train.reshape(found.codes, [x.shape[0]!, groups]),
    "quantizeLevels, distances": train.reshape(found.distances, [x.shape[0]!, groups]),
    "quantizeLevels, output": found.output,
    "quantizeLevels, pull": found.pull,
    rotateGradient: train.rotateGradient(x, found.output, norm.output),
    ...distributionRowKernels(train, x),
    ...optionRowKernels(train, x),
  };
}

/** The training kernels that sum over rows, or whose result depends on where an element is. */
export function trainingKernels(
  backend: CompleteBackend,
  x: Tensor<"float32">,
  codebooks: Tensor<"float32">,
  size: number,
): Named {
  const train = trainer(backend);
  if (!train) return {};
  const [rows, columns] = x.shape as [number, number];
  const groups = codebooks.shape[0]!;
  const zeros = (shape: readonly number[]) => backend.zeros(shape, "float32");
  const gradient = floats(backend, normals(rows * 13, 224), [rows, 13]);
  const weight = floats(backend, normals(13 * columns, 225), [13, columns]);
  const into = { weight: zeros([13, columns]), bias: zeros([13]) };
  const passed = train.linearGradients(x, weight, gradient, into);
  const norm = { scale: zeros([columns]), shift: zeros([columns]) };
  const row = floats(backend, normals(columns, 226));
  const normed = train.layerNormGradients(x, row, x, norm, 1e-5);
  const sums = zeros(codebooks.shape);
  const { counts } = train.quantizeLevels(x, codebooks, [size], { groups, sums });
  const parameters = floats(backend, normals(rows * columns, 227));
  const flat = train.reshape(x, [rows * columns]);
  const state = [zeros([rows * columns]), zeros([rows * columns])];
  const squaredNorm = train.sumOfSquares(x);
  train.optimizerStep(parameters, flat, state, {
    rule: "adamw",
    learningRate: 0.01,
    weightDecay: 0.1,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    step: 3,
    clip: { squaredNorm, limit: 1 },
  });
  const books = train.reshape(train.combine(codebooks, codebooks, 1, 0), [
    groups * size,
    columns / groups,
  ]);
  const usage = zeros([groups * size]);
  train.emaStep(books, train.reshape(sums, books.shape), counts, usage, 0.9);
  return {
    "linearGradients, rows": passed,
    "linearGradients, weight": into.weight,
    "linearGradients, bias": into.bias,
    "layerNormGradients, rows": normed,
    "layerNormGradients, scale": norm.scale,
    "layerNormGradients, shift": norm.shift,
    dropout: train.dropout(x, 0.3, 4, 5),
    ...distributionKernels(train, x),
    "quantizeLevels, counts": counts,
    "quantizeLevels, sums": sums,
    sumOfSquares: squaredNorm,
    "optimizerStep, parameters": parameters,
    "optimizerStep, first state": state[0]!,
    "emaStep, codebooks": books,
    "emaStep, usage": usage,
    ...optionKernels(train, x, codebooks),
  };
}

/** The kernels for distributions whose row i depends on row i of x alone; none for a backend that lacks them. */
function distributionRowKernels(train: TrainingBackend, x: Tensor<"float32">): Named {
  if (missingForDistributions(train).length > 0) return {};
  const b = distributionBackend(train, "this case");
  const probabilities = b.softmax(x, { scale: 0.7 });
  const entropies = b.entropy(probabilities, 0.3);
  return {
    softmax: probabilities,
    softmaxGradient: b.softmaxGradient(probabilities, x, { scale: 0.7 }),
    "entropy, losses": entropies.losses,
    "entropy, gradient": entropies.gradient,
  };
}

/** Those whose result depends on where a row is. */
function distributionKernels(train: TrainingBackend, x: Tensor<"float32">): Named {
  if (missingForDistributions(train).length > 0) return {};
  const b = distributionBackend(train, "this case");
  const [all, columns] = x.shape as [number, number];
  const rows = Math.min(all, MOST_CANDIDATES);
  const candidates = floats(b, normals(rows * columns, 228), [rows, columns]);
  const similarities = b.linear(b.slice(x, 0, rows), candidates).output;
  const loss = b.contrastiveLoss(similarities, { scale: 0.2, weight: 0.3 });
  return {
    "softmax with noise": b.softmax(x, { noise: { scale: 0.5, seed: 4, call: 5 } }),
    "contrastiveLoss, losses": loss.losses,
    "contrastiveLoss, gradient": loss.gradient,
  };
}
