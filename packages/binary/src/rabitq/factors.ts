import { type Codes, FormatError, type Matrix } from "@tessera/core";

/**
 * What RaBitQ keeps of a row beside its grid codes, as two float32 in the bytes of eight columns of codes, so that codes
 * stay plain data that any file or index of codes can hold.
 */
export interface RowFactors {
  /** ‖o‖ of the row that was encoded, after its transforms. `[n]` */
  readonly norms: Float32Array;
  /** Cosine of the angle between the row and its codeword, in (0, 1]. `[n]` */
  readonly cosines: Float32Array;
}

/** Columns that the factors of a row take. */
export const FACTOR_COLUMNS = 8;

/** The bytes of a row's factors, to be put after its grid codes. */
export class FactorWriter {
  readonly #view = new DataView(new ArrayBuffer(FACTOR_COLUMNS));
  readonly #bytes = new Uint8Array(this.#view.buffer);

  write(codes: Uint8Array | Uint16Array, at: number, norm: number, cosine: number): void {
    this.#view.setFloat32(0, norm, true);
    this.#view.setFloat32(4, cosine, true);
    codes.set(this.#bytes, at);
  }
}

/**
 * The factors in the last columns of codes.
 *
 * @throws {FormatError} naming a row whose factors no row can have
 */
export function readFactors(codes: Codes): RowFactors {
  const { rows, columns, data } = codes;
  const norms = new Float32Array(rows);
  const cosines = new Float32Array(rows);
  const bytes = new Uint8Array(FACTOR_COLUMNS);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < rows; i++) {
    bytes.set(data.subarray((i + 1) * columns - FACTOR_COLUMNS, (i + 1) * columns));
    const norm = view.getFloat32(0, true);
    const cosine = view.getFloat32(4, true);
    if (!(norm >= 0 && norm < Infinity && cosine > 0 && cosine <= 1)) {
      throw new FormatError(
        `row ${i} of the codes has norm ${norm} and cosine ${cosine}, which no row has`,
        { hint: "check that these codes were made by this model, and are whole" },
      );
    }
    norms[i] = norm;
    cosines[i] = cosine;
  }
  return { norms, cosines };
}

/** The grid vectors that rows of codes stand for, and their lengths. */
export function gridRows(
  codes: Codes,
  start: number,
  end: number,
  dimension: number,
  bits: number,
): { readonly grid: Matrix; readonly lengths: Float64Array } {
  const { data, columns } = codes;
  const middle = (2 ** bits - 1) / 2;
  const grid = new Float32Array((end - start) * dimension);
  const lengths = new Float64Array(end - start);
  for (let i = start, at = 0; i < end; i++) {
    let squares = 0;
    for (let j = i * columns; j < i * columns + dimension; j++, at++) {
      const value = data[j]! - middle;
      grid[at] = value;
      squares += value * value;
    }
    lengths[i - start] = Math.sqrt(squares);
  }
  return { grid: { data: grid, rows: end - start, cols: dimension }, lengths };
}
