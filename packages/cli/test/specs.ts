import {
  fsq,
  type Matrix,
  parseSpec,
  residual,
  type Rows,
  type Spec,
  sliceRows,
  split,
  sq,
  transformed,
  type TransformSpec,
  vq,
} from "@tessera/core";
import fc from "fast-check";

/** Rows that random specs are fitted on have this many values: enough for groups of groups. */
export const WIDTH = 8;

/** Leaves for rows of `width` values: every kind, and every option of each. */
export function leaves(width: number): fc.Arbitrary<Spec> {
  return fc.oneof(
    fc
      .record({
        size: fc.integer({ min: 1, max: 8 }),
        metric: fc.constantFrom(undefined, "ip", "cosine" as const),
      })
      .map(({ size, metric }) => vq(size, metric === undefined ? {} : { metric })),
    fc
      .record({
        bits: fc.constantFrom(1, 2, 4, 6, 8),
        options: fc.constantFrom<Parameters<typeof sq>[1]>(
          {},
          { shared: true },
          { range: "quantile" },
          { range: "meanstd" },
          { range: "optimal", shared: true },
          { levels: "quantile" },
          { levels: "lloydmax" },
          { levels: "lloydmax", scale: "optimal" },
          { levels: "lloydmax", scale: "unbiased" },
        ),
      })
      .map(({ bits, options }) => sq(bits, options)),
    fc
      .constantFrom(
        "fp16",
        "bf16",
        "sign",
        "sign(threshold=mean)",
        "sign(threshold=median)",
        "sign(estimator=rabitq)",
        "sign(bits=3,estimator=rabitq)",
        `lfq${width}`,
      )
      .map(parseSpec),
    fc
      .record({
        levels: fc.array(fc.integer({ min: 2, max: 9 }), { minLength: width, maxLength: width }),
        options: fc.constantFrom({}, { scale: "none" } as const),
      })
      .map(({ levels, options }) => fsq(levels, options)),
  );
}

/** Well-formed specs for rows of `width` values, with operators nested up to `depth` deep. */
export function specsOf(width: number, depth: number): fc.Arbitrary<Spec> {
  if (depth === 0) return leaves(width);
  const inner = (cols: number): fc.Arbitrary<Spec> => specsOf(cols, depth - 1);
  const after = (transform: TransformSpec, cols: number): fc.Arbitrary<Spec> =>
    inner(cols).map((quantizer) => transformed(transform, quantizer));
  const groups = [2, 4].filter((count) => width % count === 0);
  const products = groups.map((count) =>
    fc
      .record({
        each: inner(width / count),
        options: fc.constantFrom({}, { shared: true } as const),
      })
      .map(({ each, options }) => split(count, each, options)),
  );
  return fc.oneof(
    leaves(width),
    fc.array(inner(width), { minLength: 2, maxLength: 3 }).map((levels) => residual(...levels)),
    ...products,
    ...products.map((product) => product.map((spec) => transformed({ kind: "opq" }, spec))),
    after({ kind: "center" }, width),
    after({ kind: "normalize" }, width),
    after({ kind: "rotation" }, width),
    after({ kind: "hadamard" }, 2 ** Math.ceil(Math.log2(width))),
    fc
      .record({ dimension: fc.integer({ min: 1, max: width }), whiten: fc.boolean() })
      .chain(({ dimension, whiten }) =>
        after({ kind: "pca", dimension, ...(whiten ? { whiten } : {}) }, dimension),
      ),
    fc.constantFrom("", "(threshold=mean)").map((options) => parseSpec(`itq>sign${options}`)),
  );
}

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
