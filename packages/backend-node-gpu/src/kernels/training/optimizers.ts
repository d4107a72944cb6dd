import { sizeOf, type OptimizerUpdate } from "@tessera/core";
import { TYPE } from "../../addon.js";
import type { Engine, Node } from "../../engine.js";
import { rowSums } from "../row-sums.js";

/** What keeps the clipping of gradients from a division by 0, as in PyTorch. */
const CLIP_EPSILON = 1e-6;

/** The sum of the squares of all elements, float32 `[1]`. */
export function sumOfSquares(engine: Engine, x: Node): Node {
  const flat = engine.cast(engine.reshape(x, [1, sizeOf(x.shape)]), TYPE.float64);
  return engine.cast(rowSums(engine, engine.op("Square", [flat])), TYPE.float32);
}

/** New parameters and state of an optimizer after a step; all `[P]`. */
export function optimizerStep(
  engine: Engine,
  parameters: Node,
  gradients: Node,
  state: readonly Node[],
  update: OptimizerUpdate,
  squaredNorm: Node | undefined,
): readonly Node[] {
  const add = (a: Node, b: Node): Node => engine.op("AddV2", [a, b]);
  const mul = (a: Node, b: Node): Node => engine.op("Mul", [a, b]);
  const times = (a: Node, factor: number): Node => mul(a, engine.float(factor));
  const { learningRate, weightDecay = 0 } = update;
  const g =
    update.clip && squaredNorm
      ? mul(gradients, clipFactor(engine, squaredNorm, update.clip.limit))
      : gradients;
  const next: Node[] = [];
  let change: Node;
  switch (update.rule) {
    case "adamw": {
      const { beta1, beta2, epsilon, step } = update;
      const m = add(times(state[0]!, beta1), times(g, 1 - beta1));
      const v = add(times(state[1]!, beta2), times(mul(g, g), 1 - beta2));
      next.push(m, v);
      const deviation = times(engine.op("Sqrt", [v]), 1 / Math.sqrt(1 - beta2 ** step));
      const divisor = add(deviation, engine.float(epsilon));
      change = engine.op("RealDiv", [times(m, learningRate / (1 - beta1 ** step)), divisor]);
      break;
    }
    case "adagrad": {
      const s = add(state[0]!, mul(g, g));
      next.push(s);
      const divisor = add(engine.op("Sqrt", [s]), engine.float(update.epsilon));
      change = engine.op("RealDiv", [times(g, learningRate), divisor]);
      break;
    }
    case "sgd": {
      const [before] = state;
      const b = before ? add(times(before, update.momentum), g) : g;
      if (before) next.push(b);
      change = times(b, learningRate);
      break;
    }
  }
  const decayed =
    weightDecay === 0 ? parameters : times(parameters, 1 - learningRate * weightDecay);
  return [engine.op("Sub", [decayed, change]), ...next];
}

/** min(1, limit / (√squaredNorm + 10⁻⁶)) */
function clipFactor(engine: Engine, squaredNorm: Node, limit: number): Node {
  const norm = engine.op("AddV2", [engine.op("Sqrt", [squaredNorm]), engine.float(CLIP_EPSILON)]);
  const factor = engine.op("RealDiv", [engine.float(limit), norm]);
  return engine.op("Minimum", [factor, engine.float(1)]);
}

/** Codebooks `[m, d]` and usage `[m]` after a step of the moving averages. */
export function emaStep(
  engine: Engine,
  codebooks: Node,
  sums: Node,
  counts: Node,
  usage: Node,
  decay: number,
): readonly [codebooks: Node, usage: Node] {
  const rate = engine.float(1 - decay);
  const averaged = engine.op("AddV2", [
    engine.op("Mul", [usage, engine.float(decay)]),
    engine.op("Mul", [counts, rate]),
  ]);
  const column = (values: Node): Node => engine.reshape(values, [values.shape[0]!, 1]);
  const change = engine.op("RealDiv", [engine.op("Mul", [sums, rate]), column(averaged)]);
  const moved = engine.op("AddV2", [codebooks, change]);
  const used = engine.op("NotEqual", [column(counts), engine.float(0)]);
  return [engine.op("SelectV2", [used, moved, codebooks]), averaged];
}
