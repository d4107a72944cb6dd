import { sizeOf, type Activation } from "@tessera/core";
import type { Engine, Node } from "../../engine.js";

/**
 * TensorFlow computes e^x and the like for several values at a time, and what is left at the end of an array in another way
 * that may round otherwise. With arrays filled up to a multiple of this many values nothing is left.
 */
const LANES = 64;

export function activate(engine: Engine, kind: Activation, z: Node): Node {
  switch (kind) {
    case "none":
      return z;
    case "relu":
      return engine.op("Relu", [z]);
    case "gelu":
      return inLanes(engine, z, (v) => engine.op("Mul", [v, normalDistribution(engine, v)]));
    case "silu":
      return inLanes(engine, z, (v) => engine.op("Mul", [v, engine.op("Sigmoid", [v])]));
  }
}

/** The derivative by z. */
export function derivative(engine: Engine, kind: Exclude<Activation, "none">, z: Node): Node {
  switch (kind) {
    case "relu":
      return engine.cast(engine.op("Greater", [z, engine.float(0)]), z.dtype);
    case "gelu":
      return inLanes(engine, z, (v) => {
        // Φ(z) + z·φ(z)
        const exponent = engine.op("Mul", [engine.op("Square", [v]), engine.float(-0.5)]);
        const density = engine.op("Mul", [
          engine.op("Exp", [exponent]),
          engine.float(1 / Math.sqrt(2 * Math.PI)),
        ]);
        const slope = engine.op("Mul", [v, density]);
        return engine.op("AddV2", [normalDistribution(engine, v), slope]);
      });
    case "silu":
      return inLanes(engine, z, (v) => {
        // s·(1 + z·(1 − s))
        const s = engine.op("Sigmoid", [v]);
        const one = engine.float(1);
        const rest = engine.op("Mul", [v, engine.op("Sub", [one, s])]);
        return engine.op("Mul", [s, engine.op("AddV2", [one, rest])]);
      });
  }
}

/** Φ(z) = ½ erfc(−z / √2) */
function normalDistribution(engine: Engine, z: Node): Node {
  const scaled = engine.op("Mul", [z, engine.float(-Math.SQRT1_2)]);
  return engine.op("Mul", [engine.op("Erfc", [scaled]), engine.float(0.5)]);
}

function inLanes(engine: Engine, values: Node, body: (values: Node) => Node): Node {
  const size = sizeOf(values.shape);
  const flat = engine.reshape(values, [size]);
  const filled = engine.pad(flat, 0, (LANES - (size % LANES)) % LANES);
  return engine.reshape(engine.rows(body(filled), 0, size), values.shape);
}
