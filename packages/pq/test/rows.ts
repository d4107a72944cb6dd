import { gaussianMatrix } from "@tessera/backend-testkit";
import { type Matrix, type Model, type Rows, sliceRows } from "@tessera/core";
import { PqModel } from "../src/index.js";

/** A stream that can be read again, cut into batches of `size`. */
export function stream(rows: Matrix, size: number): Rows {
  return {
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < rows.rows; start += size) {
        yield sliceRows(rows, start, Math.min(rows.rows, start + size));
      }
    },
  };
}

/** A product quantizer of random codebooks. */
export function randomPq(seed: number, groups: number, size: number, width: number): PqModel {
  return new PqModel(
    Array.from({ length: groups }, (_, m) => gaussianMatrix(size, width, { seed: seed + m })),
  );
}

/** The same model as one whose terms are not known. */
export function opaque(model: Model): Model {
  const { spec, dimension, cardinalities, prefixes } = model;
  return {
    spec,
    dimension,
    cardinalities,
    prefixes,
    encode: (rows, options) => model.encode(rows, options),
    decode: (codes, options) => model.decode(codes, options),
    state: () => model.state(),
    save: () => model.save(),
  };
}
