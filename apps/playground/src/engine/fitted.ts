import {
  Codes,
  codeColumns,
  type CompleteBackend,
  evaluate,
  type Matrix,
  type Model,
  printSpec,
  sliceColumns,
  type Term,
} from "@tessera/core";
import { TransformedModel } from "@tessera/transforms";
import type { Result, View } from "./protocol.js";
import { countCodes, drawnRows, nearestCodewords, Scatter, takeRows } from "./scatter.js";

const NEIGHBOURS = 8;

/** A fitted model with the rows that it was fitted on: what the page asks about it. */
export class Fitted {
  readonly #backend: CompleteBackend;
  readonly #model: Model;
  readonly #rows: Matrix;
  readonly #codes: Codes;
  /** Rows as the innermost quantizer takes them. */
  readonly #inner: Matrix;
  readonly #terms: readonly Term[];
  readonly result: Result;
  #decoded: Promise<Matrix> | undefined;

  private constructor(
    backend: CompleteBackend,
    model: Model,
    rows: Matrix,
    codes: Codes,
    inner: { readonly rows: Matrix; readonly model: Model },
    result: Omit<Result, "terms">,
  ) {
    this.#backend = backend;
    this.#model = model;
    this.#rows = rows;
    this.#codes = codes;
    this.#inner = inner.rows;
    this.#terms = inner.model.terms ?? [];
    this.result = {
      ...result,
      terms: this.#terms.map(({ column, codebook }) => ({ column, codewords: codebook.rows })),
    };
  }

  static async of(
    backend: CompleteBackend,
    model: Model,
    rows: Matrix,
    elapsed: number,
  ): Promise<Fitted> {
    const found = await evaluate(model, rows, { backend });
    const { codes } = found;
    let inner = { rows, model };
    while (inner.model instanceof TransformedModel) {
      const { transform, quantizer } = inner.model;
      inner = { rows: await transform.apply(inner.rows, { backend }), model: quantizer };
    }
    return new Fitted(backend, model, rows, codes, inner, {
      spec: printSpec(model.spec),
      rows: rows.rows,
      dimension: rows.cols,
      codes: Uint32Array.from(codes.data),
      cardinalities: model.cardinalities,
      prefixes: model.prefixes,
      distortionPerPrefix: found.distortionPerLevel,
      totalVariance: found.totalVariance,
      model: model.save(),
      elapsed,
    });
  }

  /**
   * What a term's codewords are to stand for: a slice of the rows without what earlier terms say of it. Where codes are no
   * sum of codewords, the rows by one column of codes. Beyond the last of several, the rows with what all codes together
   * stand for.
   */
  async view(wanted: number): Promise<View> {
    if (wanted >= this.#terms.length && this.#terms.length > 1) return this.#whole(wanted);
    const index = Math.min(wanted, (this.#terms.length || this.#codes.columns) - 1);
    const drawn = drawnRows(this.#rows.rows);
    const term = this.#terms[index];
    const column = term ? term.column : index;
    const codesOf = (rows: Uint32Array): Uint32Array =>
      rows.map((row) => this.#codes.data[row * this.#codes.columns + column]!);
    const all = Uint32Array.from({ length: this.#rows.rows }, (_, row) => row);
    const counts = countCodes(codesOf(all), this.#model.cardinalities[column]!);
    if (!term) {
      const scatter = await Scatter.of(takeRows(this.#inner, drawn), drawn);
      const about = { title: `rows, coloured by column ${column + 1}`, term: index };
      return scatter.view(about, undefined, codesOf(drawn), counts);
    }
    const left = takeRows(this.#inner, drawn);
    for (const earlier of this.#terms.slice(0, index)) this.#subtract(left, earlier, drawn);
    const { offset, codebook } = term;
    const scatter = await Scatter.of(sliceColumns(left, offset, offset + codebook.cols), drawn);
    const about = { title: this.#titleOf(index), term: index };
    const nearest =
      index === 0 && codebook.cols === left.cols
        ? await nearestCodewords(this.#backend, codebook, left)
        : undefined;
    return scatter.view(about, codebook, codesOf(drawn), counts, nearest);
  }

  /** The rows, and every reconstruction that some row has. */
  async #whole(index: number): Promise<View> {
    const drawn = drawnRows(this.#rows.rows);
    const decoded = await this.#decodedRows();
    const { columns, data } = this.#codes;
    const places = new Map<string, number>();
    const first: number[] = [];
    const all = Uint32Array.from({ length: this.#rows.rows }, (_, row) => {
      const key = data.subarray(row * columns, (row + 1) * columns).join();
      const place = places.get(key) ?? first.push(row) - 1;
      places.set(key, place);
      return place;
    });
    const rows = takeRows(this.#rows, drawn);
    const scatter = await Scatter.of(rows, drawn);
    const about = { title: "rows and reconstructions", term: index };
    const reconstructions = takeRows(decoded, Uint32Array.from(first));
    const codes = drawn.map((row) => all[row]!);
    const nearest = await nearestCodewords(this.#backend, reconstructions, rows);
    return scatter.view(about, reconstructions, codes, countCodes(all, first.length), nearest);
  }

  #decodedRows(): Promise<Matrix> {
    const codes = codeColumns(this.#codes, 0, this.#model.cardinalities);
    this.#decoded ??= this.#model.decode(codes, { backend: this.#backend });
    return this.#decoded;
  }

  /** A row's reconstruction from its first columns of codes. */
  async decode(columns: number, row: number): Promise<Float32Array> {
    const own = this.#codes.data.slice(
      row * this.#codes.columns,
      row * this.#codes.columns + columns,
    );
    const codes = new Codes(own, this.#model.cardinalities.slice(0, columns));
    return (await this.#model.decode(codes, { backend: this.#backend })).data;
  }

  /** The rows nearest to one, by vectors and by what codes stand for. */
  async neighbours(row: number): Promise<{ byVector: Uint32Array; byCode: Uint32Array }> {
    const query = this.#rows.data.subarray(row * this.#rows.cols, (row + 1) * this.#rows.cols);
    return {
      byVector: nearestRows(this.#rows, query, row),
      byCode: nearestRows(await this.#decodedRows(), query, row),
    };
  }

  #subtract(rows: Matrix, { column, offset, codebook }: Term, drawn: Uint32Array): void {
    drawn.forEach((row, i) => {
      const code = this.#codes.data[row * this.#codes.columns + column]!;
      for (let j = 0; j < codebook.cols; j++) {
        rows.data[i * rows.cols + offset + j]! -= codebook.data[code * codebook.cols + j]!;
      }
    });
  }

  #titleOf(index: number): string {
    const { offset, codebook } = this.#terms[index]!;
    if (codebook.cols < this.#inner.cols)
      return `columns ${offset + 1} to ${offset + codebook.cols}`;
    if (index === 0) return this.#inner === this.#rows ? "rows" : "rows, transformed";
    return index === 1 ? "what level 1 leaves" : `what levels 1 to ${index} leave`;
  }
}

function nearestRows(
  { data, rows, cols }: Matrix,
  query: Float32Array,
  except: number,
): Uint32Array {
  const distances = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < cols; j++) sum += (data[i * cols + j]! - query[j]!) ** 2;
    distances[i] = sum;
  }
  const order = Uint32Array.from({ length: rows }, (_, i) => i).filter((i) => i !== except);
  return order.sort((a, b) => distances[a]! - distances[b]! || a - b).slice(0, NEIGHBOURS);
}
