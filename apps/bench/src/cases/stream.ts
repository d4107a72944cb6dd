import { type BenchCase, type Entry, type RowsChoice, titleOf } from "../case.js";
import { count } from "../format.js";

const CODEBOOK_SIZE = 256;

/** Codes of a stream of many rows, against codes of rows in memory. */
export function stream(
  pool: RowsChoice,
  inMemory: RowsChoice,
  totalRows: number,
  batchRows: number,
): BenchCase {
  const memory = ["native", "wasm"].map((contender): Entry => ({
    contender,
    variant: "in memory",
    kind: "in-memory",
    rows: inMemory,
    work: { amount: inMemory.rows, unit: "row" },
  }));
  return {
    name: "stream",
    title: titleOf(`encode a stream, K = ${CODEBOOK_SIZE}`, { ...pool, rows: totalRows }),
    kind: "stream",
    rows: pool,
    codebookSize: CODEBOOK_SIZE,
    parameters: { totalRows, batchRows },
    work: { amount: totalRows, unit: "row" },
    outcome: "codes",
    entries: [
      ...memory,
      ...["native", "wasm", "faiss", "faiss-tuned"].map((contender) => ({ contender })),
    ],
    reference: "faiss",
    limitSeconds: 300,
    notes: [
      `Batches of ${count(batchRows)} rows are views of ${count(pool.rows)} rows in turn, which costs nothing.`,
      `In memory: ${count(inMemory.rows)} rows, through the same call.`,
    ],
  };
}
