import type { ReconstructionOptions } from "@tessera/core";
import { TYPE } from "../../addon.js";
import type { Engine, Node } from "../../engine.js";
import { rowSums } from "../row-sums.js";

/** Vectors shorter than this pass their gradient unchanged. */
const SHORT = 1e-6;

/** Σ over the last axis of a·b, `[n, 1]`. */
function dot(engine: Engine, a: Node, b: Node): Node {
  return engine.reshape(rowSums(engine, engine.op("Mul", [a, b])), [a.shape[0]!, 1]);
}

function lengths(engine: Engine, rows: Node): Node {
  return engine.op("Sqrt", [dot(engine, rows, rows)]);
}

/** Lengths of rows, and 1 for a row of zeros. */
function divisors(engine: Engine, rows: Node): Node {
  const length = lengths(engine, rows);
  const isZero = engine.op("Equal", [length, engine.double(0)]);
  return engine.op("SelectV2", [isZero, engine.double(1), length]);
}

/**
 * The loss of each row and its gradient, in float64 until the end.
 *
 * @param output `[n, d]`, y
 * @param target `[n, d]`, x
 * @returns losses `[n]`, gradient `[n, d]`
 */
export function reconstructionLoss(
  engine: Engine,
  output: Node,
  target: Node,
  { kind, weight }: ReconstructionOptions,
): { readonly losses: Node; readonly gradient: Node } {
  const y = engine.cast(output, TYPE.float64);
  const x = engine.cast(target, TYPE.float64);
  const times = (node: Node, factor: number): Node =>
    engine.op("Mul", [node, engine.double(factor)]);
  const finish = (losses: Node, gradient: Node) => ({
    losses: engine.cast(engine.reshape(losses, [output.shape[0]!]), TYPE.float32),
    gradient: engine.cast(gradient, TYPE.float32),
  });
  if (kind === "squared") {
    const difference = engine.op("Sub", [y, x]);
    const losses = times(dot(engine, difference, difference), weight);
    return finish(losses, times(difference, 2 * weight));
  }
  const length = divisors(engine, y);
  const unit = engine.op("RealDiv", [y, length]);
  const wanted = kind === "cosine" ? engine.op("RealDiv", [x, divisors(engine, x)]) : x;
  const along = dot(engine, unit, wanted);
  const difference = engine.op("Sub", [unit, wanted]);
  const losses =
    kind === "cosine"
      ? engine.op("Sub", [engine.double(1), along])
      : dot(engine, difference, difference);
  // The gradient with respect to the unit vector, without what points along it.
  const across = engine.op("Sub", [wanted, engine.op("Mul", [unit, along])]);
  const factor = kind === "cosine" ? -1 : -2;
  const gradient = engine.op("RealDiv", [times(across, factor * weight), length]);
  return finish(times(losses, weight), gradient);
}

/** λRᵀ · gradient of the rotation trick; all `[n, d]`. */
export function rotateGradient(engine: Engine, z: Node, quantized: Node, gradient: Node): Node {
  const from = engine.cast(z, TYPE.float64);
  const to = engine.cast(quantized, TYPE.float64);
  const given = engine.cast(gradient, TYPE.float64);
  const [zLength, qLength] = [lengths(engine, from), lengths(engine, to)];
  const zUnit = engine.op("RealDiv", [from, zLength]);
  const qUnit = engine.op("RealDiv", [to, qLength]);
  const sum = engine.op("AddV2", [zUnit, qUnit]);
  const sumLength = lengths(engine, sum);
  const r = engine.op("RealDiv", [sum, sumLength]);
  const two = engine.double(2);
  const off = engine.op("Mul", [r, engine.op("Mul", [dot(engine, r, given), two])]);
  const on = engine.op("Mul", [zUnit, engine.op("Mul", [dot(engine, qUnit, given), two])]);
  const turned = engine.op("AddV2", [engine.op("Sub", [given, off]), on]);
  const rotated = engine.op("Mul", [turned, engine.op("RealDiv", [qLength, zLength])]);
  const long = [zLength, qLength, sumLength]
    .map((length) => engine.op("GreaterEqual", [length, engine.double(SHORT)]))
    .reduce((a, b) => engine.op("LogicalAnd", [a, b]));
  return engine.cast(engine.op("SelectV2", [long, rotated, given]), TYPE.float32);
}
