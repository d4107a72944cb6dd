import type { Node } from "../engine.js";
import { exactFactors } from "./exact-products.js";
import { checkNorms } from "./finite.js";
import { rowSums } from "./row-sums.js";
import { byRows, rowsAtATime, type Workspace } from "./workspace.js";

/**
 * The `count` nearest codewords of each row in each group: codes and distances, `[n, g, count]`.
 *
 * A codeword's score is x·c − ½‖c‖² (x·c under `ip`) of rounded vectors, and exact ({@link exactFactors}): equal codewords
 * have equal scores, of which `TopKV2` puts the lower index first. Distances are then those of the vectors as they are.
 *
 * @param x `[n, g, d]`
 * @param codebooks `[g, k, d]`
 */
export function nearest(
  work: Workspace,
  x: Node,
  codebooks: Node,
  count: number,
  metric: "l2" | "ip",
): { readonly codes: Node; readonly distances: Node } {
  const { engine } = work;
  const [rows, groups, dimension] = x.shape as [number, number, number];
  const codewords = codebooks.shape[1]!;
  checkNorms(work, engine.reshape(codebooks, [groups * codewords, dimension]), 1, "codebook");
  checkNorms(work, engine.reshape(x, [rows * groups, dimension]), groups, "input");

  const found = Array.from({ length: groups }, (_, group) =>
    engine.frame(() => {
      const codebook = engine.reshape(engine.rows(codebooks, group, group + 1), [
        codewords,
        dimension,
      ]);
      const factors = exactFactors(engine, codebook);
      // Σc² is a sum of whole units as well.
      const squares = engine.op("Sum", [engine.op("Square", [factors]), engine.axis(1)]);
      const offsets = engine.op("Mul", [squares, engine.double(-0.5)]);
      // Scores and their sum in float64; the chosen codewords, differences and their halves in float32.
      const bytesPerRow = 8 * (2 * codewords + 3 * dimension) + 4 * 4 * count * dimension;
      return byRows(work, rows, rowsAtATime(work, bytesPerRow), (start, end) => {
        const part = engine.middle(engine.rows(x, start, end), group);
        const products = engine.op("MatMul", [exactFactors(engine, part), factors], {
          transpose_b: true,
        });
        const scores = metric === "ip" ? products : engine.op("BiasAdd", [products, offsets]);
        const codes = engine.ops("TopKV2", [scores, engine.ints([count], [])], {}, 2)[1]!;
        const distances = distancesTo(work, part, engine.take(codebook, codes), metric);
        return [codes, distances] as const;
      });
    }),
  );
  const joined = (i: 0 | 1): Node => {
    const each = found.map((pair) => engine.reshape(pair[i], [rows, 1, count]));
    return engine.concat(each, 1);
  };
  return { codes: joined(0), distances: joined(1) };
}

/**
 * Σ(x − c)², or −x·c under `ip`.
 *
 * @param x `[n, d]`
 * @param chosen `[n, count, d]`
 * @returns `[n, count]`
 */
function distancesTo({ engine }: Workspace, x: Node, chosen: Node, metric: "l2" | "ip"): Node {
  const [rows, , dimension] = chosen.shape as [number, number, number];
  const each = engine.reshape(x, [rows, 1, dimension]);
  if (metric === "ip") {
    return engine.op("Neg", [rowSums(engine, engine.op("Mul", [chosen, each]))]);
  }
  return rowSums(engine, engine.op("SquaredDifference", [chosen, each]));
}
