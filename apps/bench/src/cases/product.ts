import { type BenchCase, type RowsChoice, titleOf, variantOf } from "../case.js";

/** Product quantization: training, and encoding by what was trained on the same rows. */
export function product(name: string, rows: RowsChoice): BenchCase[] {
  const common = {
    rows,
    parameters: { groups: 16, bits: 8 },
    outcome: "decoded",
    reference: "faiss",
    limitSeconds: 300,
  } as const;
  const entries = ["native", "wasm", "wasm-1", "faiss", "faiss-tuned"].map((contender) => ({
    contender,
  }));
  return [
    {
      ...common,
      name: `${name}-train`,
      title: titleOf("PQ 16×8 bits, training", rows),
      kind: "pq-train",
      entries: [
        ...entries,
        ...entries
          .filter(({ contender }) => !contender.startsWith("wasm"))
          .map((entry) => variantOf(entry, "defaults", { defaults: true })),
      ],
      notes: ["On all rows; by default both libraries train on 256 rows a codeword."],
    },
    {
      ...common,
      name: `${name}-encode`,
      title: titleOf("PQ 16×8 bits, encoding", rows),
      kind: "pq-encode",
      work: { amount: 2 * rows.rows * 256 * rows.cols, unit: "FLOP" },
      entries,
    },
  ];
}
