import { BackendError, type CompleteBackend, type Neighbours, type Tensor } from "@tessera/core";
import type { BlockValues, ProbeList, QueryForm, ScanBlock, ScanSession } from "./session.js";
import type { FoundRows } from "./top-k.js";

/** Scans by a backend's kernels. What is found stays on the device until the end, so that blocks follow one another. */
export class DeviceScan implements ScanSession {
  readonly backend: CompleteBackend;
  readonly #queries: QueryForm;
  readonly #tensor: Tensor;
  readonly #queryCount: number;
  readonly #count: number;
  #found: Neighbours | undefined;

  constructor(backend: CompleteBackend, queries: QueryForm, queryCount: number, count: number) {
    this.backend = backend;
    this.#queries = queries;
    this.#queryCount = queryCount;
    this.#count = count;
    this.#tensor = uploadQueries(backend, queries, queryCount);
  }

  rows(values: BlockValues, block: ScanBlock): void {
    const { backend } = this;
    const { scanRows } = backend;
    const queries = this.#queries;
    if (queries.kind !== "rows" || !scanRows) throw misused();
    this.#scan(() => {
      const rows =
        typeof values === "function"
          ? values(backend)
          : backend.borrow(values.data, [values.rows, values.cols]);
      return scanRows(this.#tensor as Tensor<"float32">, rows, this.#count, {
        ...this.#options(block),
        metric: queries.metric,
      });
    });
  }

  tables(blocks: Uint8Array, rowBytes: number, block: ScanBlock, probes?: ProbeList): void {
    const { backend } = this;
    const { scanTables } = backend;
    if (this.#queries.kind !== "tables" || !scanTables) throw misused();
    this.#scan(() => {
      const count = Math.ceil(block.rows / 32);
      const codes = backend.borrow(blocks.subarray(0, count * rowBytes * 32), [
        count,
        rowBytes,
        32,
      ]);
      return scanTables(this.#tensor as Tensor<"float32">, codes, this.#count, {
        ...this.#options(block),
        rows: block.rows,
        ...(probes && { probes: uploadProbes(backend, probes) }),
      });
    });
  }

  bits(codes: Uint8Array, block: ScanBlock): void {
    const { backend } = this;
    const { scanBits } = backend;
    const queries = this.#queries;
    if (queries.kind !== "bits" || !scanBits) throw misused();
    this.#scan(() => {
      const { rowBytes } = queries;
      const rows = backend.borrow(codes.subarray(0, block.rows * rowBytes), [block.rows, rowBytes]);
      const options = this.#options(block);
      return scanBits(this.#tensor as Tensor<"uint8">, rows, this.#count, options);
    });
  }

  settle(): Promise<void> {
    return this.backend.sync();
  }

  async finish(): Promise<FoundRows> {
    const found = this.#found;
    if (!found) {
      const places = this.#queryCount * this.#count;
      return {
        indices: new Int32Array(places).fill(-1),
        distances: new Float32Array(places).fill(Infinity),
      };
    }
    const [indices, distances] = await Promise.all([found.indices.read(), found.distances.read()]);
    return { indices, distances };
  }

  dispose(): void {
    this.#tensor.dispose();
    this.#forget();
  }

  #scan(scan: () => Neighbours): void {
    const found = this.backend.scope(scan);
    this.#forget();
    this.#found = found;
  }

  #forget(): void {
    this.#found?.indices.dispose();
    this.#found?.distances.dispose();
    this.#found = undefined;
  }

  #options({ rows, firstIndex, allowed, scales, offsets }: ScanBlock) {
    const { backend } = this;
    const values = (array: Float32Array) => backend.borrow(array.subarray(0, rows), [rows]);
    const bytes = Math.ceil(rows / 8);
    return {
      firstIndex,
      ...(this.#found && { found: this.#found }),
      ...(allowed && { allowed: backend.borrow(allowed.subarray(0, bytes), [bytes]) }),
      ...(scales && { scales: values(scales) }),
      ...(offsets && { offsets: values(offsets) }),
    };
  }
}

/** Queries as they are searched. Rows are the caller's, who may change them; tables and bits are ours, and lent. */
function uploadQueries(backend: CompleteBackend, queries: QueryForm, count: number): Tensor {
  switch (queries.kind) {
    case "rows":
      return backend.tensor(queries.rows.data, [count, queries.rows.cols]);
    case "tables":
      return backend.borrow(queries.tables, [count, queries.columns, queries.size]);
    case "bits":
      return backend.borrow(queries.bits, [count, queries.rowBytes]);
  }
}

function uploadProbes(backend: CompleteBackend, { count, starts, ends, biases }: ProbeList) {
  const shape = [starts.length / count, count];
  return {
    starts: backend.tensor(starts, shape),
    ends: backend.tensor(ends, shape),
    biases: backend.tensor(biases, shape),
  };
}

function misused(): BackendError {
  return new BackendError("a scan was asked for what its backend or its queries do not have");
}
