import { type BenchCase, type RowsChoice, titleOf } from "../case.js";
import { copy, underCopy } from "./ceilings.js";

/** What memory bounds: scalar codes of 8 bits and signs. The rate counts the bytes that must be read and written. */
export function codes(rows: RowsChoice): BenchCase[] {
  const values = rows.rows * rows.cols;
  const common = { rows, reference: "faiss", limitSeconds: 120 } as const;
  const entries = [copy(rows), ...underCopy(["native", "wasm", "wasm-1", "faiss"])];
  return [
    {
      ...common,
      name: "sq8-encode",
      title: titleOf("SQ8, encoding", rows),
      kind: "scalar-encode",
      work: { amount: 5 * values, unit: "B" },
      outcome: "decoded",
      entries,
    },
    {
      ...common,
      name: "sq8-decode",
      title: titleOf("SQ8, decoding", rows),
      kind: "scalar-decode",
      work: { amount: 5 * values, unit: "B" },
      outcome: "decoded",
      entries,
    },
    {
      ...common,
      name: "signs",
      title: titleOf("sign packing", rows),
      kind: "signs",
      work: { amount: 4.125 * values, unit: "B" },
      outcome: "signs",
      entries: [...entries, ...underCopy(["numpy"])],
    },
  ];
}
