import {
  ArgumentError,
  checkCodes,
  checkFinite,
  type Codes,
  type Matrix,
  type Model,
  ShapeError,
} from "@tessera/core";

export interface TableOptions {
  /** `l2`: squared Euclidean distance (the default). `ip`: the negative inner product, so that less is nearer. */
  readonly metric?: "l2" | "ip" | undefined;
}

/** What tables are made of. */
interface Product {
  readonly codebooks: readonly Matrix[];
  readonly dimension: number;
}

/** Values that symmetric tables may have. */
const MOST_VALUES = 2 ** 28;

/** {@link PqModel.distanceTables} */
export function distanceTables(
  { codebooks, dimension }: Product,
  query: Float32Array,
  { metric = "l2" }: TableOptions,
): Matrix {
  checkMetric(metric);
  if (query.length !== dimension) {
    throw new ShapeError(
      `the query has ${query.length} values; the model was fitted on ${dimension}`,
    );
  }
  checkFinite({ data: query, rows: 1, cols: dimension }, "query");
  const { rows: size, cols } = codebooks[0]!;
  const tables = new Float32Array(codebooks.length * size);
  codebooks.forEach(({ data }, m) => {
    for (let k = 0; k < size; k++) {
      tables[m * size + k] = distanceOf(query, m * cols, data, k * cols, cols, metric);
    }
  });
  return { data: tables, rows: codebooks.length, cols: size };
}

/** {@link PqModel.symmetricTables} */
export function symmetricTables(
  { codebooks }: Product,
  { metric = "l2" }: TableOptions,
): readonly Matrix[] {
  checkMetric(metric);
  const { rows: size, cols } = codebooks[0]!;
  if (codebooks.length * size * size > MOST_VALUES) {
    throw new ArgumentError(
      `symmetric tables of ${codebooks.length} codebooks of ${size} would take over 1 GiB`,
      { hint: "decode the codes and use distanceTables() for each" },
    );
  }
  return codebooks.map(({ data }) => {
    const table = new Float32Array(size * size);
    for (let a = 0; a < size; a++) {
      for (let b = 0; b <= a; b++) {
        const distance = distanceOf(data, a * cols, data, b * cols, cols, metric);
        table[a * size + b] = distance;
        table[b * size + a] = distance;
      }
    }
    return { data: table, rows: size, cols: size };
  });
}

/**
 * The tables of a query that is itself a code, `[groups, codebookSize]`: from symmetric tables, the rows that its codes
 * name.
 *
 * @param code one code per group
 * @throws {ShapeError | ArgumentError} if it is not
 */
export function codeTables(symmetric: readonly Matrix[], code: ArrayLike<number>): Matrix {
  const size = symmetric[0]?.cols ?? 0;
  if (code.length !== symmetric.length) {
    throw new ShapeError(`the code has ${code.length} values for tables of ${symmetric.length}`);
  }
  const tables = new Float32Array(symmetric.length * size);
  symmetric.forEach(({ data, rows }, m) => {
    const row = code[m]!;
    if (!(Number.isInteger(row) && row >= 0 && row < rows)) {
      throw new ArgumentError(`code ${row} of group ${m + 1} is outside 0..${rows - 1}`);
    }
    tables.set(data.subarray(row * size, (row + 1) * size), m * size);
  });
  return { data: tables, rows: symmetric.length, cols: size };
}

/**
 * The distance of a query to each row of codes: the sum of the entries that the row's codes name. Sums are taken in
 * float64 in the order of the groups and rounded once.
 *
 * @param tables `[groups, codebookSize]`, of {@link PqModel.distanceTables} or {@link codeTables}
 * @returns `[rows]`
 * @throws {ShapeError | CodeRangeError} if the codes are not of `groups` columns of `codebookSize`
 */
export function tableDistances(tables: Matrix, codes: Codes): Float32Array {
  const { data, rows: groups, cols: size } = tables;
  const shape: Pick<Model, "cardinalities" | "prefixes"> = {
    cardinalities: Array.from({ length: groups }, () => size),
    prefixes: [groups],
  };
  const checked = checkCodes(shape, codes);
  const distances = new Float32Array(checked.rows);
  for (let i = 0, at = 0; i < checked.rows; i++) {
    let sum = 0;
    for (let m = 0; m < groups; m++) sum += data[m * size + checked.data[at++]!]!;
    distances[i] = sum;
  }
  return distances;
}

function distanceOf(
  a: Float32Array,
  aStart: number,
  b: Float32Array,
  bStart: number,
  length: number,
  metric: "l2" | "ip",
): number {
  let sum = 0;
  if (metric === "ip") {
    for (let i = 0; i < length; i++) sum -= a[aStart + i]! * b[bStart + i]!;
  } else {
    for (let i = 0; i < length; i++) sum += (a[aStart + i]! - b[bStart + i]!) ** 2;
  }
  return sum;
}

function checkMetric(metric: unknown): void {
  if (metric !== "l2" && metric !== "ip") {
    throw new ArgumentError(`metric is "${String(metric)}"; it must be l2 or ip`);
  }
}
