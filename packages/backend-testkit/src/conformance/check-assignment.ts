import type { Assignment, CompleteBackend } from "@tessera/core";
import { compareCodes } from "../compare.js";
import { referenceDistance, type Metric } from "../reference/assign.js";
import { expectClose, expectThat, readAs, showShape } from "./assertions.js";
import type { Settings } from "./case.js";
import { upload, type Problem } from "./problems.js";

/** Assigns with `count` codes (by `assign` without one) and holds codes and distances against float64. */
export async function checkAssignment(
  backend: CompleteBackend,
  problem: Problem,
  settings: Settings,
  options: { metric?: Metric | undefined; count?: number | undefined; what?: string } = {},
): Promise<void> {
  const { metric = "l2", count, what = "" } = options;
  const { x, codebooks, rows, groups, codebookSize, dimension } = problem;
  const tensors = upload(backend, problem);
  const result: Assignment =
    count === undefined
      ? backend.assign(tensors.x, tensors.codebooks, { metric })
      : backend.assignTopK(tensors.x, tensors.codebooks, count, { metric });
  const kernel = count === undefined ? "assign" : `assignTopK(${count})`;
  const name = `${kernel} ${metric}${what && ` ${what}`}, codebooks ${showShape([groups, codebookSize, dimension])}`;
  const shape = count === undefined ? [rows, groups] : [rows, groups, count];
  const codes = await readAs(result.codes, "int32", shape, `${name}, codes`);
  const distances = await readAs(result.distances, "float32", shape, `${name}, distances`);

  const { mismatches } = compareCodes(x, codebooks, codes, {
    ...problem,
    ...settings,
    metric,
    count,
  });
  const [first] = mismatches;
  expectThat(
    first === undefined,
    name,
    `${mismatches.length} of ${codes.length} codes are wrong. Row ${first?.row}, group ${first?.group}, place ` +
      `${first?.place}: expected ${first?.expected}, got ${first?.got}, whose distance is ${first?.gap} larger where ` +
      `${first?.tolerance} is allowed`,
  );

  const perSlice = count ?? 1;
  const exact = Float64Array.from(codes, (code, i) => {
    const slice = Math.floor(i / perSlice);
    const codeword = (slice % groups) * codebookSize + code;
    return referenceDistance(
      x,
      slice * dimension,
      codebooks,
      codeword * dimension,
      dimension,
      metric,
    );
  });
  const bound = (i: number): number => {
    const slice = Math.floor(i / perSlice);
    const codeword = (slice % groups) * codebookSize + codes[i]!;
    // Each term is off by at most 3 roundings, their sum by d − 1 more, whatever the order. All terms of a squared
    // distance are positive, so the bound is relative to the result; an inner product may cancel.
    const terms =
      metric === "l2"
        ? exact[i]!
        : absoluteProduct(x, slice * dimension, codebooks, codeword * dimension, dimension);
    return (dimension + 4) * (2 ** -24 * terms + settings.smallest);
  };
  expectClose(distances, exact, bound, shape, `${name}, distances`);
}

function absoluteProduct(
  x: Float32Array,
  xStart: number,
  c: Float32Array,
  cStart: number,
  dimension: number,
): number {
  let sum = 0;
  for (let i = 0; i < dimension; i++) sum += Math.abs(x[xStart + i]! * c[cStart + i]!);
  return sum;
}
