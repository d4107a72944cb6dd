import { ArgumentError, CodeRangeError, FormatError, ShapeError } from "./errors.js";

export type CodeArray = Uint8Array | Uint16Array | Uint32Array;

/** The largest cardinality of a column: codes have 1 to 24 bits. */
export const MAX_CARDINALITY = 2 ** 24;

/**
 * A matrix of codes: row i holds one code per column, and column j takes values 0..cardinalities[j]−1.
 *
 * Kept unpacked, in the smallest array that holds every column; `pack()` gives the dense bit form.
 */
export class Codes {
  /** Row-major `[rows, columns]`. */
  readonly data: CodeArray;
  readonly rows: number;
  readonly cardinalities: readonly number[];

  /**
   * @param data row-major `[rows, columns]`; copied into a narrower or wider array only if its type does not fit
   * @throws {ShapeError} if the values do not fill whole rows
   * @throws {CodeRangeError} naming the first code outside its column's cardinality
   */
  constructor(data: ArrayLike<number>, cardinalities: readonly number[]) {
    cardinalities.forEach(checkCardinality);
    const columns = cardinalities.length;
    if (columns === 0) throw new ShapeError("codes need at least one column");
    if (data.length % columns !== 0) {
      throw new ShapeError(`${data.length} codes do not fill rows of ${columns}`);
    }
    checkRange(data, cardinalities);
    const fitting = codeArrayFor(cardinalities);
    this.data = data instanceof fitting ? data : fitting.from(data);
    this.rows = data.length / columns;
    this.cardinalities = [...cardinalities];
  }

  get columns(): number {
    return this.cardinalities.length;
  }

  /** The codes of one row, as a view. */
  row(i: number): CodeArray {
    if (!(i >= 0 && i < this.rows)) {
      throw new ShapeError(`row ${i} of codes with ${this.rows} rows`);
    }
    return this.data.subarray(i * this.columns, (i + 1) * this.columns);
  }

  /** The first `columns` columns: of a residual quantizer's codes, the coarser code. */
  prefix(columns: number): Codes {
    if (!Number.isInteger(columns) || columns < 1 || columns > this.columns) {
      throw new ArgumentError(`prefix of ${columns} columns of codes with ${this.columns}`);
    }
    const cut = new Uint32Array(this.rows * columns);
    for (let i = 0; i < this.rows; i++) {
      for (let j = 0; j < columns; j++) cut[i * columns + j] = this.data[i * this.columns + j]!;
    }
    return new Codes(cut, this.cardinalities.slice(0, columns));
  }

  /** Bytes of one packed row. */
  get packedBytes(): number {
    return Math.ceil(this.cardinalities.reduce((sum, k) => sum + bitsFor(k), 0) / 8);
  }

  /**
   * The dense form: in each row, the columns one after another without gaps, each in {@link bitsFor} its cardinality
   * bits, least significant bit first; the row is then padded to whole bytes. This is the layout of faiss.
   *
   * @returns `[rows, packedBytes]`
   */
  pack(): Uint8Array {
    const { columns, data, packedBytes } = this;
    const bits = this.cardinalities.map(bitsFor);
    if (data instanceof Uint8Array && bits.every((width) => width === 8)) return data.slice();
    const packed = new Uint8Array(this.rows * packedBytes);
    for (let i = 0; i < this.rows; i++) {
      let held = 0;
      let heldBits = 0;
      let at = i * packedBytes;
      for (let j = 0; j < columns; j++) {
        // At most 7 bits wait and 24 arrive: 31 fit an int32.
        held |= data[i * columns + j]! << heldBits;
        heldBits += bits[j]!;
        for (; heldBits >= 8; heldBits -= 8) {
          packed[at++] = held & 0xff;
          held >>>= 8;
        }
      }
      if (heldBits > 0) packed[at] = held & 0xff;
    }
    return packed;
  }

  /**
   * Reads what {@link pack} wrote.
   *
   * @throws {FormatError} if the bytes are not whole rows
   * @throws {CodeRangeError} if a code lies outside its cardinality
   */
  static unpack(packed: Uint8Array, cardinalities: readonly number[]): Codes {
    cardinalities.forEach(checkCardinality);
    const bits = cardinalities.map(bitsFor);
    const columns = bits.length;
    const rowBytes = Math.ceil(bits.reduce((sum, b) => sum + b, 0) / 8);
    if (rowBytes === 0 || packed.length % rowBytes !== 0) {
      throw new FormatError(`${packed.length} bytes are not whole rows of ${rowBytes} bytes`);
    }
    // Codes of whole bytes are packed as they are. Not by `slice`, which does not copy a `Buffer`.
    if (bits.every((width) => width === 8))
      return new Codes(Uint8Array.from(packed), cardinalities);
    const rows = packed.length / rowBytes;
    const data = new (codeArrayFor(cardinalities))(rows * columns);
    for (let i = 0; i < rows; i++) {
      let held = 0;
      let heldBits = 0;
      let at = i * rowBytes;
      for (let j = 0; j < columns; j++) {
        for (; heldBits < bits[j]!; heldBits += 8) held |= packed[at++]! << heldBits;
        data[i * columns + j] = held & (2 ** bits[j]! - 1);
        held >>>= bits[j]!;
        heldBits -= bits[j]!;
      }
    }
    return new Codes(data, cardinalities);
  }
}

/** Bits that a column of this cardinality takes when packed: ⌈log₂ K⌉, at least 1. */
export function bitsFor(cardinality: number): number {
  return Math.max(1, 32 - Math.clz32(cardinality - 1));
}

/** The smallest unsigned array type that holds codes of these cardinalities. */
export function codeArrayFor(
  cardinalities: readonly number[],
): Uint8ArrayConstructor | Uint16ArrayConstructor | Uint32ArrayConstructor {
  const largest = cardinalities.reduce((a, b) => Math.max(a, b), 1);
  return largest <= 2 ** 8 ? Uint8Array : largest <= 2 ** 16 ? Uint16Array : Uint32Array;
}

/** @throws {CodeRangeError} naming the first code outside its column's cardinality */
function checkRange(data: ArrayLike<number>, cardinalities: readonly number[]): void {
  const smallest = cardinalities.reduce((a, b) => Math.min(a, b), MAX_CARDINALITY);
  // Most tables are within every column's range, which takes much less time to see than one column after another.
  if (data instanceof Uint8Array || data instanceof Uint16Array || data instanceof Uint32Array) {
    if (smallest > 2 ** (8 * data.BYTES_PER_ELEMENT) - 1 || !someExceed(data, smallest - 1)) return;
  }
  const columns = cardinalities.length;
  for (let i = 0, row = 0; i < data.length; row++) {
    for (let column = 0; column < columns; column++, i++) {
      const code = data[i]!;
      if (!(code >= 0 && code < cardinalities[column]! && Number.isInteger(code))) {
        throw new CodeRangeError(row, column, code, cardinalities[column]!);
      }
    }
  }
}

function someExceed(data: CodeArray, limit: number): boolean {
  for (let i = 0; i < data.length; i++) if (data[i]! > limit) return true;
  return false;
}

function checkCardinality(cardinality: number, column: number): void {
  if (!Number.isInteger(cardinality) || cardinality < 1 || cardinality > MAX_CARDINALITY) {
    throw new ArgumentError(
      `column ${column} has cardinality ${cardinality}; it must be an integer from 1 to 2^24`,
    );
  }
}

/** Puts the rows of several code tables with the same columns one below another. */
export function joinCodes(parts: readonly Codes[]): Codes {
  const [first, ...rest] = parts;
  if (!first) throw new ShapeError("there are no codes to join");
  if (rest.length === 0) return first;
  const joined = new (codeArrayFor(first.cardinalities))(
    parts.reduce((size, part) => size + part.data.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    if (part.cardinalities.join() !== first.cardinalities.join()) {
      throw new ShapeError("codes with different columns cannot be joined");
    }
    joined.set(part.data, at);
    at += part.data.length;
  }
  return new Codes(joined, first.cardinalities);
}

/** Code tables of the same rows, side by side. */
export function joinColumns(parts: readonly Codes[]): Codes {
  const cardinalities = parts.flatMap((part) => part.cardinalities);
  const width = cardinalities.length;
  const joined = new Uint32Array(parts[0]!.rows * width);
  let start = 0;
  for (const { data, columns } of parts) {
    for (let at = 0, to = start; at < data.length; to += width) {
      for (let j = 0; j < columns; j++) joined[to + j] = data[at++]!;
    }
    start += columns;
  }
  return new Codes(joined, cardinalities);
}

/** Columns `first..first + cardinalities.length` of codes. */
export function codeColumns(codes: Codes, first: number, cardinalities: readonly number[]): Codes {
  const width = cardinalities.length;
  const own = new Uint32Array(codes.rows * width);
  for (let i = 0; i < codes.rows; i++) {
    const from = i * codes.columns + first;
    for (let j = 0; j < width; j++) own[i * width + j] = codes.data[from + j]!;
  }
  return new Codes(own, cardinalities);
}
