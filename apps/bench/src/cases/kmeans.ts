import { type BenchCase, type RowsChoice, titleOf, variantOf } from "../case.js";
import { multiplyAdds, sgemm, underArithmetic } from "./ceilings.js";

const ITERATIONS = 20;

/** k-means from the same rows as the start, with the same number of iterations, on all rows. */
export function kmeans(
  name: string,
  rows: RowsChoice,
  codebookSize: number,
  threads: number,
): BenchCase {
  return {
    ...sameWork(name, rows, codebookSize),
    entries: [
      sgemm(rows, codebookSize),
      ...multiplyAdds(threads),
      ...underArithmetic(["native", "wasm", "wasm-1", "faiss", "faiss-tuned"]),
      ...underArithmetic(["faiss", "faiss-tuned"]).map((entry) =>
        variantOf(entry, "SuperKMeans", { super: true }),
      ),
      ...underArithmetic(["sklearn"]),
    ],
    reference: "faiss",
    notes: [
      "All from the same random rows, all rows, every iteration; the rate counts 2·n·k·d an iteration.",
      "SuperKMeans, which prunes, starts from random rows of its own choice.",
    ],
  };
}

/** The same at a size that plain JavaScript can do. */
export function kmeansInJavaScript(
  name: string,
  rows: RowsChoice,
  codebookSize: number,
): BenchCase {
  return {
    ...sameWork(name, rows, codebookSize),
    entries: ["native", "wasm", "wasm-1", "faiss", "ml-kmeans"].map((contender) => ({ contender })),
    reference: "ml-kmeans",
  };
}

/** k-means as each library does it when it is only told K. */
export function kmeansByDefault(name: string, rows: RowsChoice, codebookSize: number): BenchCase {
  return {
    name,
    title: titleOf(`k-means, K = ${codebookSize}, each library's defaults`, rows),
    kind: "kmeans",
    rows,
    codebookSize,
    parameters: { defaults: true },
    outcome: "codebook",
    entries: ["native", "wasm", "faiss", "faiss-tuned", "sklearn"].map((contender) => ({
      contender,
    })),
    reference: "faiss",
    limitSeconds: 300,
    notes: ["faiss: 25 iterations on 256 rows a codeword; scikit-learn: k-means++, up to 300."],
  };
}

function sameWork(name: string, rows: RowsChoice, codebookSize: number) {
  return {
    name,
    title: titleOf(`k-means, K = ${codebookSize}, ${ITERATIONS} iterations`, rows),
    kind: "kmeans",
    rows,
    codebookSize,
    parameters: { iterations: ITERATIONS },
    work: { amount: ITERATIONS * 2 * rows.rows * codebookSize * rows.cols, unit: "FLOP" },
    outcome: "codebook",
    limitSeconds: 300,
  } as const;
}
