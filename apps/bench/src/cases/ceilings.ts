import type { Entry, RowsChoice } from "../case.js";
import { multiplyAddOperations } from "../drivers/multiply-add.js";

const SGEMM = "numpy/sgemm";
const COPY = "numpy/copy";

/** The product of rows and codewords by NumPy's BLAS. */
export function sgemm({ rows, cols }: RowsChoice, codebookSize: number): Entry {
  return {
    contender: "numpy",
    variant: "sgemm",
    title: "sgemm (NumPy)",
    kind: "sgemm",
    isCeiling: true,
    work: { amount: 2 * rows * codebookSize * cols, unit: "FLOP" },
  };
}

/** Copying the rows by NumPy. Every byte counts twice, as it is read and written. */
export function copy({ rows, cols }: RowsChoice): Entry {
  return {
    contender: "numpy",
    variant: "copy",
    title: "copy (NumPy)",
    kind: "copy",
    isCeiling: true,
    work: { amount: 8 * rows * cols, unit: "B" },
  };
}

/** What loops of multiply-adds in registers reach in wasm, on all threads and on one. */
export function multiplyAdds(threads: number): Entry[] {
  return [multiplyAdd("wasm", threads), multiplyAdd("wasm-1", 1)];
}

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

/** Entries bound by arithmetic: of wasm by its own multiply-adds, of the others by sgemm. */
export function underArithmetic(contenders: readonly string[]): Entry[] {
  return contenders.map((contender) => ({
    contender,
    ceiling: contender.startsWith("wasm") ? `${contender}/multiply-add` : SGEMM,
  }));
}

/** Entries bound by memory. */
export function underCopy(contenders: readonly string[]): Entry[] {
  return contenders.map((contender) => ({ contender, ceiling: COPY }));
}
