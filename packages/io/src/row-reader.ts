import type { HostDType, Matrix } from "@tessera/core";
import type { Item } from "./jsonl.js";

/** Rows of a file, with what stands beside them there. */
export interface VectorBatch extends Matrix {
  /** The id of each row, where csv or tsv has a column of them. */
  readonly ids?: readonly string[];
  /** The other fields of each row, where jsonl was read with `items`. */
  readonly items?: readonly Item[];
}

/** What a format makes of a source: the shape, and a new pass over the rows whenever asked. */
export interface RowReader {
  readonly rows: number | undefined;
  readonly cols: number;
  readonly dtype: HostDType | "text";
  /** @param whole room for all rows: where it saves an array, a batch is read into its place there */
  batches(batchRows: number, whole?: Float32Array): AsyncIterable<VectorBatch>;
}
