import { bitsFor, codeColumns, Codes, type CodeArray } from "@tessera/core";

/** Entries of a look-up table. */
export type TableSize = 16 | 256;

/** Codes as they are kept. */
export interface StoredCodes {
  /** The columns that are scanned. */
  readonly main: Uint8Array;
  /** The others, `[rows, extraBytes]`. */
  readonly extra: Uint8Array;
}

/** Rows of a block of transposed codes. */
const BLOCK = 32;

/**
 * How codes lie in memory: packed rows, or for scans by tables blocks of 32 rows with the bytes transposed, each byte one
 * table's code or two. Columns that fill 4 or 8 bits together share a table: four signs, two values of 2 bits.
 */
export class CodeLayout {
  readonly cardinalities: readonly number[];
  /** Leading columns that are scanned. */
  readonly mainColumns: number;
  /** Given where codes are scanned by tables. */
  readonly tableSize: TableSize | undefined;
  /** Bytes that the scanned columns of a row take. */
  readonly rowBytes: number;
  readonly extraBytes: number;
  readonly #stored: readonly number[];
  readonly #rest: readonly number[];

  constructor(
    cardinalities: readonly number[],
    mainColumns = cardinalities.length,
    tableSize?: TableSize,
  ) {
    this.cardinalities = cardinalities;
    this.mainColumns = mainColumns;
    this.tableSize = tableSize;
    const main = cardinalities.slice(0, mainColumns);
    this.#stored = tableSize ? padded(main, tableSize) : main;
    this.#rest = cardinalities.slice(mainColumns);
    this.rowBytes = packedBytes(this.#stored);
    this.extraBytes = packedBytes(this.#rest);
  }

  get blocked(): boolean {
    return this.tableSize !== undefined;
  }

  /** Bits that each scanned column takes, of which equal ones lie side by side. */
  get columnBits(): readonly number[] {
    return this.#stored.map(bitsFor);
  }

  /** Look-up tables that a query needs. */
  get tables(): number {
    if (this.tableSize !== 16) return this.rowBytes;
    return Math.ceil(this.columnBits.reduce((sum, bits) => sum + bits, 0) / 4);
  }

  /** Room for so many rows. */
  allocate(rows: number): StoredCodes {
    const whole = this.blocked ? Math.ceil(rows / BLOCK) * BLOCK : rows;
    return {
      main: new Uint8Array(whole * this.rowBytes),
      extra: new Uint8Array(rows * this.extraBytes),
    };
  }

  /** Puts rows of codes at the places `positions` names, or from `start` on one after another. */
  write(target: StoredCodes, codes: Codes, start: number, positions?: ArrayLike<number>): void {
    const { mainColumns, rowBytes, extraBytes, blocked } = this;
    const main = columnsOf(codes, 0, this.#stored, codes.columns === mainColumns).pack();
    const extra =
      extraBytes > 0 ? codeColumns(codes, mainColumns, this.#rest).pack() : new Uint8Array(0);
    for (let i = 0; i < codes.rows; i++) {
      const at = positions ? positions[i]! : start + i;
      const first = blocked ? firstByte(at, rowBytes) : at * rowBytes;
      const step = blocked ? BLOCK : 1;
      for (let b = 0; b < rowBytes; b++) target.main[first + step * b] = main[i * rowBytes + b]!;
      for (let b = 0; b < extraBytes; b++) {
        target.extra[at * extraBytes + b] = extra[i * extraBytes + b]!;
      }
    }
  }

  /** The scanned columns of rows, `[rows, rowBytes]`: a view where they lie so. */
  mainRows({ main }: StoredCodes, start: number, end: number): Uint8Array {
    const { rowBytes } = this;
    if (!this.blocked) return main.subarray(start * rowBytes, end * rowBytes);
    const rows = new Uint8Array((end - start) * rowBytes);
    for (let i = start, at = 0; i < end; i++) {
      const first = firstByte(i, rowBytes);
      for (let b = 0; b < rowBytes; b++) rows[at++] = main[first + BLOCK * b]!;
    }
    return rows;
  }

  /** Codes of rows `start..end`. */
  read(stored: StoredCodes, start: number, end: number): Codes {
    const { extraBytes } = this;
    return this.#join(
      this.mainRows(stored, start, end),
      stored.extra.subarray(start * extraBytes, end * extraBytes),
    );
  }

  /** Codes of the scanned columns of rows `start..end`. */
  readMain(stored: StoredCodes, start: number, end: number): Codes {
    const scanned = Codes.unpack(this.mainRows(stored, start, end), this.#stored);
    return new Codes(scanned.data, this.cardinalities.slice(0, this.mainColumns));
  }

  /** Codes of some rows. */
  pick(stored: StoredCodes, positions: ArrayLike<number>): Codes {
    const { rowBytes, extraBytes, blocked } = this;
    const main = new Uint8Array(positions.length * rowBytes);
    const extra = new Uint8Array(positions.length * extraBytes);
    for (let i = 0; i < positions.length; i++) {
      const at = positions[i]!;
      const first = blocked ? firstByte(at, rowBytes) : at * rowBytes;
      const step = blocked ? BLOCK : 1;
      for (let b = 0; b < rowBytes; b++) main[i * rowBytes + b] = stored.main[first + step * b]!;
      for (let b = 0; b < extraBytes; b++) {
        extra[i * extraBytes + b] = stored.extra[at * extraBytes + b]!;
      }
    }
    return this.#join(main, extra);
  }

  #join(main: Uint8Array, extra: Uint8Array): Codes {
    const scanned = Codes.unpack(main, this.#stored);
    if (this.extraBytes === 0) return new Codes(scanned.data, this.cardinalities);
    const rest = Codes.unpack(extra, this.#rest);
    const columns = this.cardinalities.length;
    const data = new Uint32Array(scanned.rows * columns);
    for (let i = 0; i < scanned.rows; i++) {
      data.set(scanned.row(i), i * columns);
      data.set(rest.row(i), i * columns + this.mainColumns);
    }
    return new Codes(data, this.cardinalities);
  }
}

/** Which table size scans columns of these cardinalities, if one does. */
export function tableSizeFor(cardinalities: readonly number[]): TableSize | undefined {
  const largest = Math.max(...cardinalities);
  return largest <= 16 ? 16 : largest <= 256 ? 256 : undefined;
}

/** Cardinalities under which packed codes are whole tables' codes: columns that share a table keep their width. */
function padded(cardinalities: readonly number[], size: TableSize): readonly number[] {
  const [first = 1] = cardinalities.map(bitsFor);
  const even = cardinalities.every((k) => bitsFor(k) === first) && 8 % first === 0;
  return cardinalities.map(() => (even && 2 ** first <= size ? 2 ** first : size));
}

function packedBytes(cardinalities: readonly number[]): number {
  return Math.ceil(cardinalities.reduce((sum, k) => sum + bitsFor(k), 0) / 8);
}

function columnsOf(
  codes: Codes,
  first: number,
  cardinalities: readonly number[],
  all: boolean,
): Codes {
  const data: CodeArray = all
    ? codes.data
    : codeColumns(codes, first, codes.cardinalities.slice(first, first + cardinalities.length))
        .data;
  return new Codes(data, cardinalities);
}

function firstByte(row: number, rowBytes: number): number {
  return Math.floor(row / BLOCK) * BLOCK * rowBytes + (row % BLOCK);
}
