import { TYPE } from "../../addon.js";
import type { Engine, Node } from "../../engine.js";
import { columnSums, rowSums } from "../row-sums.js";

/** Rows in float64 with mean 0 and variance 1, and what they were multiplied by. */
function normalized(
  engine: Engine,
  x: Node,
  epsilon: number,
): { readonly values: Node; readonly factor: Node } {
  const values = engine.cast(x, TYPE.float64);
  const centered = engine.op("Sub", [values, mean(engine, values)]);
  const variance = mean(engine, engine.op("Square", [centered]));
  const deviation = engine.op("Sqrt", [engine.op("AddV2", [variance, engine.double(epsilon)])]);
  const factor = engine.op("RealDiv", [engine.double(1), deviation]);
  return { values: engine.op("Mul", [centered, factor]), factor };
}

/** `[n, d]` to `[n, 1]` */
function mean(engine: Engine, values: Node): Node {
  const [rows, columns] = values.shape as [number, number];
  const sums = engine.reshape(rowSums(engine, values), [rows, 1]);
  return engine.op("RealDiv", [sums, engine.double(columns)]);
}

/** What the activation is applied to, float32 `[n, d]`. */
export function layerNorm(
  engine: Engine,
  x: Node,
  scale: Node,
  shift: Node,
  epsilon: number,
): Node {
  const { values } = normalized(engine, x, epsilon);
  const scaled = engine.op("Mul", [values, engine.cast(scale, TYPE.float64)]);
  const shifted = engine.op("AddV2", [scaled, engine.cast(shift, TYPE.float64)]);
  return engine.cast(shifted, TYPE.float32);
}

/**
 * With x̂ the normalized row and h = gradient · scale, that of x is (h − mean(h) − x̂·mean(h·x̂)) / √(variance + epsilon).
 *
 * @returns float32 gradients with respect to x `[n, d]`, scale `[d]` and shift `[d]`
 */
export function layerNormGradients(
  engine: Engine,
  x: Node,
  scale: Node,
  gradient: Node,
  epsilon: number,
): readonly [x: Node, scale: Node, shift: Node] {
  const { values, factor } = normalized(engine, x, epsilon);
  const given = engine.cast(gradient, TYPE.float64);
  const h = engine.op("Mul", [given, engine.cast(scale, TYPE.float64)]);
  const along = mean(engine, engine.op("Mul", [h, values]));
  const centered = engine.op("Sub", [h, mean(engine, h)]);
  const rest = engine.op("Sub", [centered, engine.op("Mul", [values, along])]);
  return [
    engine.op("Mul", [rest, factor]),
    columnSums(engine, engine.op("Mul", [given, values])),
    columnSums(engine, given),
  ].map((node) => engine.cast(node, TYPE.float32)) as [Node, Node, Node];
}
