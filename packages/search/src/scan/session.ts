import type { CompleteBackend, Matrix, Tensor } from "@tessera/core";
import type { FoundRows } from "./top-k.js";

/** What queries are given as: vectors, look-up tables, or bits. */
export type QueryForm =
  | { readonly kind: "rows"; readonly rows: Matrix; readonly metric: "l2" | "ip" }
  /** `[queries, columns, size]`, size 16 or 256 */
  | {
      readonly kind: "tables";
      readonly tables: Float32Array;
      readonly queries: number;
      readonly columns: number;
      readonly size: number;
    }
  /** `[queries, rowBytes]` */
  | { readonly kind: "bits"; readonly bits: Uint8Array; readonly rowBytes: number };

/** Some rows to scan. Arrays may be longer than the rows are. */
export interface ScanBlock {
  readonly rows: number;
  /** Index of the first row. */
  readonly firstIndex: number;
  /** Bit i mod 8 of byte ⌊i / 8⌋ is 1 where row i takes part. All, if left out. */
  readonly allowed?: Uint8Array | undefined;
  /** `[rows]`: distances are multiplied by these, then */
  readonly scales?: Float32Array | undefined;
  /** `[rows]` these are added. */
  readonly offsets?: Float32Array | undefined;
}

/** The stretches of rows that each query visits: `[queries, count]` each. */
export interface ProbeList {
  readonly count: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly biases: Float32Array;
}

/** Rows in memory, or what makes them on a backend. */
export type BlockValues = Matrix | ((backend: CompleteBackend) => Tensor<"float32">);

/** Scans one block after another for a batch of queries, as the scans of `ComputeBackend` define it. */
export interface ScanSession {
  /** Where blocks may be made on the device. */
  readonly backend: CompleteBackend | undefined;
  rows(values: BlockValues, block: ScanBlock): void;
  /** @param blocks `[⌈rows / 32⌉, rowBytes, 32]` */
  tables(blocks: Uint8Array, rowBytes: number, block: ScanBlock, probes?: ProbeList): void;
  /** @param codes `[rows, rowBytes]` */
  bits(codes: Uint8Array, block: ScanBlock): void;
  /** Resolves once what was given may change. */
  settle(): Promise<void>;
  finish(): Promise<FoundRows>;
  dispose(): void;
}
