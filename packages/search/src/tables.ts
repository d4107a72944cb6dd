import type { CompleteBackend, Matrix, Term } from "@tessera/core";
import type { CodeLayout } from "./layout.js";

/** Above this, tables are made on the host, where zeros of the codewords cost nothing: 64 MiB. */
const MOST_STACKED = 2 ** 24;

/** Makes tables for a batch of queries: entry e of table t is −w·⟨query, codeword⟩, with or without the codeword's square. */
export class TableMaker {
  readonly tables: number;
  readonly size: number;
  readonly disjoint: boolean;
  readonly #dimension: number;
  readonly #entries: readonly TableEntry[][];
  readonly #squares: Float32Array;

  /** @param terms of the columns that the layout scans, numbered as it does */
  constructor(layout: CodeLayout, terms: readonly Term[], dimension: number) {
    this.tables = layout.tables;
    this.size = layout.tableSize ?? 256;
    this.#dimension = dimension;
    this.#entries = entriesOf(layout, terms);
    this.disjoint = areDisjoint(this.#entries, dimension);
    this.#squares = this.#squaresOfEntries();
  }

  /**
   * `[queries, tables, size]`
   *
   * @param weight 2 for squared distances, 1 for inner products
   * @param squares whether codewords' squares are added
   */
  async make(
    queries: Matrix,
    weight: number,
    squares: boolean,
    backend: CompleteBackend,
  ): Promise<Float32Array> {
    const { tables, size } = this;
    const d = this.#dimension;
    if (tables * size * d > MOST_STACKED) return this.#makeOnHost(queries, weight, squares);
    const made = backend.scope(() =>
      backend.matmul(
        backend.tensor(queries.data, [queries.rows, d]),
        backend.tensor(this.#stacked(-weight), [tables * size, d]),
        {
          transposeB: true,
          ...(squares && { bias: backend.tensor(this.#squares, [tables * size]) }),
        },
      ),
    );
    const read = made.read();
    made.dispose();
    return read;
  }

  #makeOnHost({ data, rows, cols }: Matrix, weight: number, squares: boolean): Float32Array {
    const { tables, size } = this;
    const made = new Float32Array(rows * tables * size);
    for (let q = 0; q < rows; q++) {
      for (let t = 0; t < tables; t++) {
        const start = (q * tables + t) * size;
        if (squares) made.set(this.#squares.subarray(t * size, (t + 1) * size), start);
        for (const { term, shift, codes } of this.#entries[t]!) {
          const { codebook, offset } = term;
          for (let code = 0; code < codebook.rows; code++) {
            let product = 0;
            for (let j = 0; j < codebook.cols; j++) {
              product += data[q * cols + offset + j]! * codebook.data[code * codebook.cols + j]!;
            }
            addWhere(made, start, size, shift, codes, code, -weight * product);
          }
        }
      }
    }
    return made;
  }

  /** All codewords as wide as a row, times a number. */
  #stacked(by: number): Float32Array {
    const { size } = this;
    const d = this.#dimension;
    const stacked = new Float32Array(this.tables * size * d);
    this.#entries.forEach((entries, t) => {
      for (let e = 0; e < size; e++) {
        const start = (t * size + e) * d;
        for (const { term, shift, codes } of entries) {
          const code = (e >> shift) & (codes - 1);
          if (code >= term.codebook.rows) continue;
          const { data, cols } = term.codebook;
          for (let j = 0; j < cols; j++) {
            stacked[start + term.offset + j]! += by * data[code * cols + j]!;
          }
        }
      }
    });
    return stacked;
  }

  #squaresOfEntries(): Float32Array {
    const squares = new Float32Array(this.tables * this.size);
    if (!this.disjoint) return squares;
    const row = new Float64Array(this.#dimension);
    this.#entries.forEach((entries, t) => {
      for (let e = 0; e < this.size; e++) {
        row.fill(0);
        for (const { term, shift, codes } of entries) {
          const code = (e >> shift) & (codes - 1);
          if (code >= term.codebook.rows) continue;
          const { data, cols } = term.codebook;
          for (let j = 0; j < cols; j++) row[term.offset + j]! += data[code * cols + j]!;
        }
        squares[t * this.size + e] = row.reduce((sum, value) => sum + value * value, 0);
      }
    });
    return squares;
  }
}

/** One codebook's part in a table: the code is in bits `shift` and up of the table's. */
interface TableEntry {
  readonly term: Term;
  readonly shift: number;
  /** 2 to the number of bits */
  readonly codes: number;
}

function entriesOf(layout: CodeLayout, terms: readonly Term[]): TableEntry[][] {
  const tableBits = layout.tableSize === 16 ? 4 : 8;
  const entries: TableEntry[][] = Array.from({ length: layout.tables }, () => []);
  const starts: number[] = [];
  let bits = 0;
  for (const width of layout.columnBits) {
    starts.push(bits);
    bits += width;
  }
  for (const term of terms) {
    const start = starts[term.column]!;
    entries[Math.floor(start / tableBits)]!.push({
      term,
      shift: start % tableBits,
      codes: 2 ** layout.columnBits[term.column]!,
    });
  }
  return entries;
}

function areDisjoint(entries: readonly TableEntry[][], dimension: number): boolean {
  const owner = new Int32Array(dimension).fill(-1);
  for (const [t, own] of entries.entries()) {
    for (const { term } of own) {
      for (let j = term.offset; j < term.offset + term.codebook.cols; j++) {
        if (owner[j] !== -1 && owner[j] !== t) return false;
        owner[j] = t;
      }
    }
  }
  return true;
}

/** Adds a value to the entries of a table in which one column has one code. */
function addWhere(
  made: Float32Array,
  start: number,
  size: number,
  shift: number,
  codes: number,
  code: number,
  value: number,
): void {
  const low = 2 ** shift;
  for (let high = code * low; high < size; high += codes * low) {
    for (let e = high; e < high + low; e++) made[start + e]! += value;
  }
}
