import type { Codes, Matrix, Model } from "@tessera/core";

/** What faiss ranks by: squared L2 distances, or inner products. Codes are assigned by L2 either way. */
export type FaissMetric = "l2" | "ip";

/** The inverted lists that rows are in. */
export interface FaissLists {
  /** One centroid for each list, `[nlist, d]`, of rows as the transforms before the index leave them. */
  readonly centroids: Matrix;
  /** The list of each row, in the order of the rows. */
  readonly assignments: Uint32Array;
}

/** What a faiss index file holds. */
export interface FaissImport {
  /** The classes, as `IndexPreTransform(LinearTransform > IndexPQ)`. */
  readonly description: string;
  readonly metric: FaissMetric;
  /** Values of a row, as they go in. */
  readonly dimension: number;
  /** Number of rows stored, n. */
  readonly count: number;
  /** What makes the codes. An index of rows alone, such as `IndexFlatL2`, has none. */
  readonly model?: Model;
  /** The stored codes `[n, columns]`, as `model.encode` gives them. */
  readonly codes?: Codes;
  /** The rows `[n, d]` of `IndexFlat` and `IndexIVFFlat`, and those that `IndexRefineFlat` re-ranks by. */
  readonly rows?: Matrix;
  /** The id of each row, if they are not 0, 1, 2, … */
  readonly ids?: BigInt64Array;
  /** Of an IVF index. Where codes are of residuals, `codes` has the list as its first column, too. */
  readonly lists?: FaissLists;
}
