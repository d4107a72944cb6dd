import type { OptimizerUpdate } from "@tessera/core";

/** The sum of the squares of all values, `[1]`. */
export function referenceSumOfSquares(x: Float32Array): Float64Array {
  return Float64Array.of(x.reduce((sum, value) => sum + value * value, 0));
}

/** What the gradients are multiplied by: min(1, limit / (√squaredNorm + 10⁻⁶)). */
export function referenceClipFactor(squaredNorm: number, limit: number): number {
  return Math.min(1, limit / (Math.sqrt(squaredNorm) + 1e-6));
}

export interface ReferenceUpdate {
  readonly parameters: Float64Array;
  readonly state: readonly Float64Array[];
}

/**
 * One step of AdamW, Adagrad or SGD with decoupled weight decay; see `optimizerStep` in `TrainingKernels` for the formulas.
 *
 * @param factor what the gradients are multiplied by
 */
export function referenceOptimizerStep(
  parameters: Float32Array,
  gradients: Float32Array,
  state: readonly Float32Array[],
  update: OptimizerUpdate,
  factor: number,
): ReferenceUpdate {
  const { learningRate, weightDecay = 0 } = update;
  const next = {
    parameters: Float64Array.from(parameters, (p) => (1 - learningRate * weightDecay) * p),
    state: state.map((values) => Float64Array.from(values)),
  };
  const [first, second] = next.state;
  gradients.forEach((gradient, i) => {
    const g = factor * gradient;
    let change: number;
    switch (update.rule) {
      case "adamw": {
        const { beta1, beta2, epsilon, step } = update;
        const m = (first![i] = beta1 * first![i]! + (1 - beta1) * g);
        const v = (second![i] = beta2 * second![i]! + (1 - beta2) * g * g);
        change = m / (1 - beta1 ** step) / (Math.sqrt(v / (1 - beta2 ** step)) + epsilon);
        break;
      }
      case "adagrad": {
        const s = (first![i] = first![i]! + g * g);
        change = g / (Math.sqrt(s) + update.epsilon);
        break;
      }
      case "sgd":
        change = first ? (first[i] = update.momentum * first[i]! + g) : g;
        break;
    }
    next.parameters[i]! -= learningRate * change;
  });
  return next;
}

export interface ReferenceEma {
  readonly codebooks: Float64Array;
  readonly usage: Float64Array;
}

/**
 * N ← decay·N + (1 − decay)·counts; c ← c + (1 − decay)·sums / N for codewords that have rows.
 *
 * @param codebooks `[m, d]`
 * @param sums `[m, d]`
 * @param counts `[m]`
 * @param usage `[m]`
 */
export function referenceEmaStep(
  codebooks: Float32Array,
  sums: Float32Array,
  counts: Float32Array,
  usage: Float32Array,
  decay: number,
): ReferenceEma {
  const dimension = codebooks.length / counts.length;
  const averaged = Float64Array.from(usage, (n, i) => decay * n + (1 - decay) * counts[i]!);
  const moved = Float64Array.from(codebooks, (value, i) => {
    const codeword = Math.floor(i / dimension);
    if (counts[codeword] === 0) return value;
    return value + ((1 - decay) * sums[i]!) / averaged[codeword]!;
  });
  return { codebooks: moved, usage: averaged };
}
