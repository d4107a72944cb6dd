import type { BenchCase, Entry, RowsChoice } from "../case.js";
import { multiplyAddOperations } from "../drivers/multiply-add.js";
import { title } from "./titles.js";

/** The nearest of K codewords: 2·n·k·d floating-point operations, on data that are where the library wants them. */
export function assignCase(
  name: string,
  rows: RowsChoice,
  codebookSize: number,
  threads: number,
): BenchCase {
  return {
    name,
    title: title(`assign, K = ${codebookSize}`, rows),
    kind: "assign",
    rows,
    codebookSize,
    work: { amount: 2 * rows.rows * codebookSize * rows.cols, unit: "FLOP" },
    outcome: "codes",
    entries: entries(threads),
    reference: "faiss",
    limitSeconds: 180,
  };
}

function entries(threads: number): Entry[] {
  return [
    {
      contender: "numpy",
      variant: "sgemm",
      title: "sgemm (NumPy)",
      kind: "sgemm",
      isCeiling: true,
    },
    multiplyAdd("wasm", threads),
    multiplyAdd("wasm-1", 1),
    { contender: "native", ceiling: "numpy/sgemm" },
    { contender: "wasm", ceiling: "wasm/multiply-add" },
    { contender: "wasm-1", ceiling: "wasm-1/multiply-add" },
    ...["faiss", "faiss-tuned", "torch", "sklearn", "usearch", "tfjs"].map((contender) => ({
      contender,
      ceiling: "numpy/sgemm",
    })),
  ];
}

/** What a loop of multiply-adds in registers reaches in wasm. */
function multiplyAdd(contender: string, threads: number): Entry {
  const iterations = 5_000_000;
  return {
    contender,
    variant: "multiply-add",
    title: `wasm multiply-add, ${threads} thread${threads === 1 ? "" : "s"}`,
    kind: "multiply-add",
    isCeiling: true,
    parameters: { iterations, threads },
    work: { amount: multiplyAddOperations(iterations) * threads, unit: "FLOP" },
  };
}
