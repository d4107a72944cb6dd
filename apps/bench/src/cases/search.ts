import { type BenchCase, type Entry, type RowsChoice, titleOf, variantOf } from "../case.js";
import type { Parameters } from "../protocol.js";

/** Queries that are held out: the last rows. */
const QUERIES = 1000;
/** Neighbours that are sought. */
const NEIGHBOURS = 100;
/** What quantizers learn from: the first rows. */
const TRAINING_ROWS = 100_000;

interface Kind {
  readonly name: string;
  readonly title: string;
  readonly parameters: Parameters;
  /** Other ways in which faiss does it. */
  readonly variants?: readonly string[];
  readonly usearch?: boolean;
  readonly note?: string;
}

/** Search in codes of the same bits, learned from the same rows, for queries that are held out. */
export function search(name: string, rows: RowsChoice, lists: number): BenchCase[] {
  const groups = rows.cols % 16 === 0 ? 16 : 20;
  const groups4 = rows.cols % 32 === 0 ? 32 : 50;
  const kinds: readonly Kind[] = [
    { name: "exact", title: "exact search", parameters: {}, usearch: true },
    {
      name: "pq",
      title: `PQ ${groups}×8 bits`,
      parameters: { index: "pq", groups, bits: 8 },
    },
    {
      name: "pq4",
      title: `PQ ${groups4}×4 bits`,
      parameters: { index: "pq", groups: groups4, bits: 4 },
      variants: ["fast scan"],
    },
    {
      name: "ivfpq",
      title: `${lists} lists, PQ ${groups}×8 bits of the residuals, 16 lists visited`,
      parameters: { index: "ivfpq", groups, bits: 8, lists, nprobe: 16 },
      note: "Tessera keeps 8 bytes a row beside the codes here: the list, and what the tables lack; faiss keeps its 8-byte ids in the lists.",
    },
    {
      name: "rabitq",
      title: "RaBitQ, 1 bit a value",
      parameters: { index: "rabitq" },
      variants: ["fast scan"],
      note: "Behind a random rotation in both; queries of 8 bits in faiss.",
    },
    { name: "sq8", title: "SQ8", parameters: { index: "sq8" } },
    {
      name: "signs",
      title: "signs, Hamming distances",
      parameters: { index: "signs" },
      note: "Recall is that of the exact neighbours by L2.",
    },
  ];
  return kinds.map((kind): BenchCase => {
    const faiss: Entry = { contender: "faiss" };
    return {
      name: `${name}-${kind.name}`,
      title: titleOf(`${kind.title}, ${NEIGHBOURS} of ${QUERIES} queries`, rows),
      kind: "search",
      rows,
      parameters: {
        index: "exact",
        queries: QUERIES,
        neighbours: NEIGHBOURS,
        trainingRows: TRAINING_ROWS,
        ...kind.parameters,
      },
      work: { amount: QUERIES, unit: "query" },
      outcome: "neighbours",
      entries: [
        { contender: "native" },
        { contender: "wasm" },
        faiss,
        { contender: "faiss-tuned" },
        ...(kind.variants ?? []).map((variant) => variantOf(faiss, variant, { fastScan: true })),
        ...(kind.usearch ? [{ contender: "usearch" }] : []),
      ],
      reference: "faiss",
      limitSeconds: 600,
      notes: [
        "Quality is the share of the ten nearest that is not among the first ten found.",
        ...(kind.note === undefined ? [] : [kind.note]),
      ],
    };
  });
}
