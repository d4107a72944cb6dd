import { beamTolerance, type CompleteBackend } from "@tessera/core";
import { referenceBeamSearch } from "../reference/beam.js";
import { expectClose, expectExact, expectThat, readAs } from "./assertions.js";
import type { Settings } from "./case.js";
import { floats } from "./problems.js";

/** Rows and the codebooks of all levels on the host. */
export interface BeamProblem {
  readonly rows: number;
  readonly dimension: number;
  /** `[rows, dimension]` */
  readonly x: Float32Array;
  /** `[k, dimension]` each. */
  readonly codebooks: readonly Float32Array[];
}

/**
 * Searches and holds codes and distances against float64.
 *
 * A search hangs on many choices, and where one of them is nearly a tie the codes may be any that follow from either; so
 * codes are compared on the rows without such a choice, distances on all.
 */
export async function checkBeam(
  backend: CompleteBackend,
  problem: BeamProblem,
  beam: number,
  settings: Settings,
  options: { readonly exact?: boolean; readonly what?: string } = {},
): Promise<void> {
  const { rows, dimension, x, codebooks } = problem;
  if (!backend.beamSearch) return;
  const result = backend.beamSearch(
    floats(backend, x, [rows, dimension]),
    codebooks.map((book) => floats(backend, book, [1, book.length / dimension, dimension])),
    beam,
  );
  const levels = codebooks.length;
  const shape = [levels, rows];
  const sizes = codebooks.map((book) => book.length / dimension);
  const { exact = false, what = "" } = options;
  const name = `beamSearch(${beam})${what && ` ${what}`}, ${sizes.join(" + ")} codewords of ${dimension} values`;
  const codes = await readAs(result.codes, "int32", shape, `${name}, codes`);
  const distances = await readAs(result.distances, "float32", shape, `${name}, distances`);
  const inRange = codes.every((code, i) => code >= 0 && code < sizes[Math.floor(i / rows)]!);
  expectThat(inRange, name, "a code is out of range");

  const expected = referenceBeamSearch(x, codebooks, dimension, beam);
  const tolerance = tolerancesOf(problem, beam, settings);
  for (let row = 0; row < rows; row++) {
    if (!exact && expected.margins[row]! <= tolerance(row)) continue;
    const column = (all: Int32Array): number[] =>
      Array.from({ length: levels }, (_, l) => all[l * rows + row]!);
    const [got, wanted] = [column(codes), column(expected.codes)];
    expectThat(
      got.every((code, l) => code === wanted[l]),
      name,
      `row ${row}: expected the codes ${wanted.join(" ")}, got ${got.join(" ")}; no choice was closer than ` +
        `${expected.margins[row]}, where ${tolerance(row)} is a tie`,
    );
  }
  if (exact) expectExact(distances, expected.distances, shape, `${name}, distances`);
  const { errors, bounds } = errorsOf(problem, codes, settings);
  expectClose(distances, errors, (i) => bounds[i]!, shape, `${name}, distances`);
}

/** How close the choices of each row's search may be. Greedy encoding measures from the origin, as `assign` does. */
function tolerancesOf(
  { x, codebooks, dimension }: BeamProblem,
  beam: number,
  { flushesSubnormals }: Settings,
): (row: number) => number {
  const first = codebooks[0]!;
  const centre = new Float64Array(dimension);
  if (beam > 1) {
    first.forEach((value, i) => (centre[i % dimension]! += (value * dimension) / first.length));
  }
  const distance = (data: Float32Array, row: number, from: Float64Array): number =>
    Math.sqrt(from.reduce((sum, at, i) => sum + (data[row * dimension + i]! - at) ** 2, 0));
  const origin = new Float64Array(dimension);
  const norms = codebooks.map((book, l) => {
    let longest = 0;
    for (let k = 0; k < book.length / dimension; k++) {
      longest = Math.max(longest, distance(book, k, l === 0 ? centre : origin));
    }
    return longest;
  });
  const flushed = flushesSubnormals ? 4 * (dimension + 2) * codebooks.length * 2 ** -126 : 0;
  return (row) => beamTolerance(dimension, distance(x, row, centre), norms) + flushed;
}

/** The squared errors after each level of the codes that were chosen, and how far off float32 may be. */
function errorsOf(
  { rows, dimension, x, codebooks }: BeamProblem,
  codes: Int32Array,
  { smallest }: Settings,
): { readonly errors: Float64Array; readonly bounds: Float64Array } {
  const errors = new Float64Array(codes.length);
  const bounds = new Float64Array(codes.length);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < dimension; i++) {
      let left = x[row * dimension + i]!;
      // Every subtraction is rounded once.
      let off = 0;
      codebooks.forEach((codebook, l) => {
        const at = l * rows + row;
        left -= codebook[codes[at]! * dimension + i]!;
        off += 2 ** -24 * (Math.abs(left) + off) + smallest;
        errors[at]! += left * left;
        bounds[at]! += 2 * Math.abs(left) * off + off * off;
      });
    }
  }
  return {
    errors,
    bounds: bounds.map(
      (off, i) => off + (dimension + 4) * (2 ** -24 * (errors[i]! + off) + smallest),
    ),
  };
}
