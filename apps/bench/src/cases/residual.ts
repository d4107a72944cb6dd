import { type BenchCase, type Entry, type RowsChoice, titleOf, variantOf } from "../case.js";

/** Residual quantization with a beam: training, and encoding by what was trained on the same rows. */
export function residualBeam(name: string, rows: RowsChoice): BenchCase[] {
  const common = {
    rows,
    parameters: { levels: 4, bits: 8, beam: 5 },
    outcome: "decoded",
    reference: "faiss",
    limitSeconds: 900,
  } as const;
  const own = entries(["native", "wasm", "wasm-1"]);
  const faiss = entries(["faiss", "faiss-tuned"]);
  return [
    {
      ...common,
      name: `${name}-train`,
      title: titleOf("RQ 4×8 bits, beam 5, training", rows),
      kind: "rq-train",
      entries: [
        ...own,
        ...faiss,
        variantOf({ contender: "faiss" }, "defaults", { defaults: true }),
      ],
      notes: [
        "faiss trains each level on what all five candidates of a row left over; by default on 256 a codeword.",
      ],
    },
    {
      ...common,
      name: `${name}-encode`,
      title: titleOf("RQ 4×8 bits, beam 5, encoding", rows),
      kind: "rq-encode",
      parameters: { ...common.parameters, defaults: true },
      entries: [
        ...own,
        ...faiss,
        ...faiss.map((entry) => variantOf(entry, "tables", { tables: true })),
      ],
      notes: [
        "faiss with tables is use_beam_LUT = 1; all of faiss here were trained by its defaults.",
      ],
    },
  ];
}

/** RQ-KMeans of a catalogue, against levels of scikit-learn's k-means with restarts. */
export function residualCatalogue(name: string, rows: RowsChoice, restarts: number): BenchCase {
  return {
    name,
    title: titleOf("RQ-KMeans 3×256, training", rows),
    kind: "rq-train",
    rows,
    parameters: { levels: 3, bits: 8, beam: 1, restarts, defaults: true },
    outcome: "decoded",
    entries: [
      ...entries(["native", "wasm", "wasm-1", "sklearn"]),
      { contender: "sklearn", variant: "1 start", parameters: { restarts: 1 } },
      ...entries(["faiss", "faiss-tuned"]),
    ],
    reference: "sklearn",
    limitSeconds: 600,
    notes: [`scikit-learn keeps the best of ${restarts} starts of each level.`],
  };
}

function entries(contenders: readonly string[]): Entry[] {
  return contenders.map((contender) => ({ contender }));
}
