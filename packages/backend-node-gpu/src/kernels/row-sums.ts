import type { Engine, Node } from "../engine.js";

/**
 * Sums over an axis by halves: the first half of what is left plus the second, until one entry is left. Each addition is an
 * operation on whole arrays, so a sum depends neither on what lies beside it, nor on threads, nor on how TensorFlow adds
 * up an axis.
 */
function sumByHalves(engine: Engine, values: Node, axis: number): Node {
  const before = values.shape.slice(0, axis);
  const after = values.shape.slice(axis + 1);
  let extent = values.shape[axis]!;
  if (extent < 2) return engine.op("Sum", [values, engine.axis(axis)]);
  let sums = values;
  while (extent > 1) {
    sums = engine.pad(sums, axis, extent % 2);
    extent = Math.ceil(extent / 2);
    const halves = engine.reshape(sums, [...before, 2, extent, ...after]);
    // Over an axis of two there is but one addition.
    sums = engine.op("Sum", [halves, engine.axis(axis)]);
  }
  return engine.reshape(sums, [...before, ...after]);
}

/**
 * @param values `[…, w]`, float32 or float64
 * @returns `[…]`
 */
export function rowSums(engine: Engine, values: Node): Node {
  return sumByHalves(engine, values, values.shape.length - 1);
}

/**
 * @param values `[n, w]`, float32 or float64
 * @returns `[w]`
 */
export function columnSums(engine: Engine, values: Node): Node {
  return sumByHalves(engine, values, 0);
}
