import { type BenchCase, type RowsChoice, titleOf } from "../case.js";

/** Product quantization: training, and encoding by what was trained on the same rows. */
export function product(name: string, rows: RowsChoice): BenchCase[] {
  const common = {
    rows,
    parameters: { groups: 16, bits: 8 },
    outcome: "decoded",
    reference: "faiss",
    limitSeconds: 300,
  } as const;
  const contenders = ["native", "wasm", "wasm-1", "faiss", "faiss-tuned"];
  return [
    {
      ...common,
      name: `${name}-train`,
      title: titleOf("PQ 16×8 bits, training", rows),
      kind: "pq-train",
      entries: [
        ...contenders.map((contender) => ({ contender })),
        { contender: "faiss", variant: "defaults", parameters: { defaults: true } },
      ],
      notes: ["faiss trains on all rows, and in its defaults on 256 a codeword."],
    },
    {
      ...common,
      name: `${name}-encode`,
      title: titleOf("PQ 16×8 bits, encoding", rows),
      kind: "pq-encode",
      work: { amount: 2 * rows.rows * 256 * rows.cols, unit: "FLOP" },
      entries: contenders.map((contender) => ({ contender })),
    },
  ];
}
