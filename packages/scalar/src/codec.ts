import {
  type Codes,
  type EncodeOptions,
  FormatError,
  type HostTensor,
  type Matrix,
  type Model,
  type ModelState,
  type Rows,
} from "@tessera/core";

/** How values of one kind become codes and come back: what a `ScalarModel` has learned. */
export interface ScalarCodec extends Pick<Model, "dimension" | "cardinalities" | "terms"> {
  encode(rows: Rows, options: EncodeOptions): Promise<Codes>;
  /** @param codes already checked against the cardinalities */
  decode(codes: Codes): Matrix;
  state(): ModelState;
}

/** A matrix as a tensor of a model file. */
export function matrixTensor({ data, rows, cols }: Matrix): HostTensor {
  return { dtype: "F32", shape: [rows, cols], data };
}

/** @throws {FormatError} unless two tensors of a model have as many columns */
export function checkSameColumns([name, a]: Named, [other, b]: Named): void {
  if (a.cols !== b.cols) {
    throw new FormatError(`"${name}" has ${a.cols} columns, "${other}" has ${b.cols}`);
  }
}

type Named = readonly [name: string, matrix: Matrix];

/** The dimension of a model whose tensors do not tell it. @throws {FormatError} if the file does not either */
export function readDimension(facts: Readonly<Record<string, unknown>>): number {
  const { dimension } = facts;
  if (
    !Number.isInteger(dimension) ||
    (dimension as number) < 1 ||
    (dimension as number) > 2 ** 24
  ) {
    throw new FormatError(`the model's dimension is ${JSON.stringify(dimension)}`);
  }
  return dimension as number;
}

/** As many times the same. */
export function repeated(count: number, value: number): number[] {
  return Array.from({ length: count }, () => value);
}
