import type { Engine, Node } from "../engine.js";

/**
 * Rows that are multiplied at a time. TensorFlow takes sums in an order that depends on the shape of a product, so
 * products whose rows must not depend on their batch all have this shape, the last filled up with zeros.
 */
const BLOCK = 128;

/**
 * a · b or a · bᵀ, whose rows do not depend on the other rows of `a`.
 *
 * @param a `[m, k]`
 * @param b `[k, n]`, or `[n, k]` transposed
 */
export function rowProducts(engine: Engine, a: Node, b: Node, transposeB: boolean): Node {
  const rows = a.shape[0]!;
  const padded = engine.pad(a, 0, (BLOCK - (rows % BLOCK)) % BLOCK);
  const blocks: Node[] = [];
  for (let start = 0; start < rows; start += BLOCK) {
    const block = engine.rows(padded, start, start + BLOCK);
    blocks.push(engine.op("MatMul", [block, b], { transpose_b: transposeB }));
  }
  if (blocks.length === 0) return engine.op("MatMul", [a, b], { transpose_b: transposeB });
  return engine.rows(engine.concat(blocks, 0), 0, rows);
}

/** α·a + β·b */
export function combine(engine: Engine, a: Node, b: Node, alpha: number, beta: number): Node {
  return engine.op("AddV2", [
    engine.op("Mul", [a, engine.float(alpha)]),
    engine.op("Mul", [b, engine.float(beta)]),
  ]);
}
