import type { CompleteBackend, Matrix } from "@tessera/core";
import { mapToPlane, projectOnPlane } from "@tessera/transforms";
import type { View } from "./protocol.js";

/** Points of a map: more would hide one another. */
const MOST_POINTS = 3000;

/** Rows to draw, evenly spread over all of them. */
export function drawnRows(rows: number): Uint32Array {
  const count = Math.min(rows, MOST_POINTS);
  return Uint32Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count));
}

export function takeRows({ data, cols }: Matrix, rows: Uint32Array): Matrix {
  const taken = new Float32Array(rows.length * cols);
  rows.forEach((row, i) => taken.set(data.subarray(row * cols, (row + 1) * cols), i * cols));
  return { data: taken, rows: rows.length, cols };
}

/** What codewords leave of rows. */
export function leftOver(rows: Matrix, codebook: Matrix, codes: ArrayLike<number>): Matrix {
  const { cols } = rows;
  const data = rows.data.map(
    (value, at) => value - codebook.data[codes[Math.floor(at / cols)]! * cols + (at % cols)]!,
  );
  return { ...rows, data };
}

/** The codeword nearest to each row, or the row nearest to each codeword if they change places. */
export async function nearestCodewords(
  backend: CompleteBackend,
  rows: Matrix,
  codebook: Matrix,
): Promise<Uint32Array> {
  const { codes } = backend.scope(() => {
    const x = backend.tensor(rows.data, [rows.rows, rows.cols]);
    const books = backend.tensor(codebook.data, [1, codebook.rows, codebook.cols]);
    return { codes: backend.assign(x, books).codes.read() };
  });
  return Uint32Array.from(await codes);
}

/** Rows on the plane of their first principal components, or as they are where they have two values or one. */
export class Scatter {
  readonly #drawn: Uint32Array;
  readonly #points: Float32Array;
  readonly #explained: number;
  readonly #exact: boolean;
  readonly #project: (rows: Matrix) => Float32Array;

  private constructor(
    drawn: Uint32Array,
    points: Float32Array,
    explained: number,
    exact: boolean,
    project: (rows: Matrix) => Float32Array,
  ) {
    this.#drawn = drawn;
    this.#points = points;
    this.#explained = explained;
    this.#exact = exact;
    this.#project = project;
  }

  /** @param drawn which rows of the data these are */
  static async of(rows: Matrix, drawn: Uint32Array): Promise<Scatter> {
    if (rows.cols <= 2) return new Scatter(drawn, flat(rows), 1, true, flat);
    const { points, explained, plane } = await mapToPlane(rows);
    const shown = explained[0] + explained[1];
    return new Scatter(drawn, points, shown, false, (others) => projectOnPlane(others, plane));
  }

  view(
    about: Pick<View, "title" | "term">,
    codewords: Matrix | undefined,
    codes: Uint32Array,
    counts: Uint32Array,
    nearest?: Uint32Array,
  ): View {
    return {
      ...about,
      nearest,
      rows: this.#drawn,
      points: this.#points,
      codewords: codewords ? this.#project(codewords) : new Float32Array(0),
      codes,
      counts,
      exact: this.#exact,
      explained: this.#explained,
    };
  }
}

function flat({ data, rows, cols }: Matrix): Float32Array {
  if (cols === 2) return data;
  const points = new Float32Array(2 * rows);
  for (let i = 0; i < rows; i++) points[2 * i] = data[i]!;
  return points;
}

export function countCodes(codes: ArrayLike<number>, size: number): Uint32Array {
  const counts = new Uint32Array(size);
  for (let i = 0; i < codes.length; i++) counts[codes[i]!]! += 1;
  return counts;
}
