import { type BenchCase, type RowsChoice, titleOf } from "../case.js";
import { multiplyAdds, sgemm, underArithmetic } from "./ceilings.js";

/** The nearest of K codewords: 2·n·k·d floating-point operations, on data that are where the library wants them. */
export function assign(
  name: string,
  rows: RowsChoice,
  codebookSize: number,
  threads: number,
): BenchCase {
  return {
    name,
    title: titleOf(`assign, K = ${codebookSize}`, rows),
    kind: "assign",
    rows,
    codebookSize,
    work: { amount: 2 * rows.rows * codebookSize * rows.cols, unit: "FLOP" },
    outcome: "codes",
    entries: [
      sgemm(rows, codebookSize),
      ...multiplyAdds(threads),
      ...underArithmetic(["native", "wasm", "wasm-1", "faiss", "faiss-tuned"]),
      ...underArithmetic(["torch", "sklearn", "usearch", "tfjs"]),
    ],
    reference: "faiss",
    limitSeconds: 180,
  };
}
