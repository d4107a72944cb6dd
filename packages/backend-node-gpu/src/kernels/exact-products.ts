import { TYPE } from "../addon.js";
import type { Engine, Node } from "../engine.js";

/** The bits of the exponent of a float32, and the smallest normal one. */
const EXPONENT = 0x7f800000;
const SMALLEST = 0x00800000;

/**
 * Vectors in float64, each value rounded to a multiple of a unit of its vector: the power of two above the largest
 * magnitude, times 2^−b. With 2b + log₂ d ≤ 53, the inner product of two such vectors is a whole number of units below
 * 2⁵³ at every step: the sum is exact, in whatever order, blocks, threads or fused steps TensorFlow takes it.
 *
 * Rounding moves a value by at most 2^−b of the largest magnitude. For the squared distances of a row to two codewords that
 * comes to at most 2^(2−b) · √d · (2‖x‖‖c‖ + ‖c‖²) in their comparison: .71 of what `tieTolerance` grants, or less.
 *
 * @param vectors float32 `[v, d]`, finite
 * @returns float64 `[v, d]`
 */
export function exactFactors(engine: Engine, vectors: Node): Node {
  const dimension = vectors.shape[1]!;
  const bits = Math.floor((53 - Math.ceil(Math.log2(dimension))) / 2);
  const largest = engine.op("Max", [engine.op("Abs", [vectors]), engine.axis(1)], {
    keep_dims: true,
  });
  const pattern = engine.op("BitwiseAnd", [
    engine.op("Bitcast", [largest], { type: { type: TYPE.int32 } }),
    engine.ints([EXPONENT], []),
  ]);
  const power = engine.op(
    "Bitcast",
    [engine.op("Maximum", [pattern, engine.ints([SMALLEST], [])])],
    {
      type: { type: TYPE.float32 },
    },
  );
  // A number whose last bit is worth the unit: what is added to it is rounded to whole units.
  const rounder = engine.op("Mul", [
    engine.cast(power, TYPE.float64),
    engine.double(1.5 * 2 ** (53 - bits)),
  ]);
  const sum = engine.op("AddV2", [engine.cast(vectors, TYPE.float64), rounder]);
  return engine.op("Sub", [sum, rounder]);
}
