import { referenceKernels, type ReferenceKernels } from "../src/backend/kernels.js";
import { packBits, unpackBits } from "../src/reference/scalar.js";
import type { CodebookShape, Metric } from "../src/reference/assign.js";

const f = Math.fround;

/** Σ op(aᵢ, bᵢ), each operation rounded to float32, in order. */
function sum(dimension: number, term: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < dimension; i++) total = f(total + f(term(i)));
  return total;
}

/**
 * Chooses as fast engines do, by ½‖c‖² − x·c in float32, and computes the distances of the chosen directly.
 */
function assignTopK(
  x: Float32Array,
  books: Float32Array,
  shape: CodebookShape,
  count: number,
  metric: Metric = "l2",
): ReturnType<ReferenceKernels["assignTopK"]> {
  referenceKernels.assignTopK(x.subarray(0, 0), books, shape, count); // Checks the codebooks.
  const { groups, codebookSize, dimension } = shape;
  const slices = x.length / dimension;
  const codes = new Int32Array(slices * count);
  const distances = new Float64Array(slices * count);
  const halfNorms = Array.from({ length: groups * codebookSize }, (_, j) =>
    metric === "ip" ? 0 : f(0.5 * sum(dimension, (i) => books[j * dimension + i]! ** 2)),
  );
  for (let s = 0; s < slices; s++) {
    const row = x.subarray(s * dimension, (s + 1) * dimension);
    // Throws the error that names the row.
    if (!Number.isFinite(sum(dimension, (i) => row[i]! ** 2))) {
      referenceKernels.assignTopK(x, books, shape, 1);
    }
    const base = (s % groups) * codebookSize;
    const scores = Array.from({ length: codebookSize }, (_, j) =>
      f(halfNorms[base + j]! - sum(dimension, (i) => row[i]! * books[(base + j) * dimension + i]!)),
    );
    const order = Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]! || a - b);
    for (let place = 0; place < count; place++) {
      const code = order[place]!;
      const at = (base + code) * dimension;
      codes[s * count + place] = code;
      distances[s * count + place] =
        metric === "ip"
          ? -sum(dimension, (i) => row[i]! * books[at + i]!)
          : sum(dimension, (i) => f(row[i]! - books[at + i]!) ** 2);
    }
  }
  return { codes, distances };
}

/**
 * By residuals about a common centre. Each level lists the extensions of every candidate by their gain, x·c − ½‖c‖².
 */
function beamSearch(
  x: Float32Array,
  codebooks: readonly Float32Array[],
  dimension: number,
  beam: number,
): ReturnType<ReferenceKernels["beamSearch"]> {
  referenceKernels.beamSearch(x.subarray(0, 0), codebooks, dimension, beam); // Checks the codebooks.
  const [first, ...rest] = codebooks as [Float32Array, ...Float32Array[]];
  const count = first.length / dimension;
  // In eighths, so that the sums of small integers stay exact.
  const centre = Float32Array.from({ length: dimension }, (_, i) =>
    beam === 1 ? 0 : Math.round((8 * sum(count, (k) => first[k * dimension + i]!)) / count) / 8,
  );
  const placed = (data: Float32Array) => data.map((value, i) => value - centre[i % dimension]!);
  const books = [placed(first), ...rest];
  const rows = x.length / dimension;
  const codes = new Int32Array(books.length * rows);
  const distances = new Float64Array(books.length * rows);
  for (let row = 0; row < rows; row++) {
    const values = x.slice(row * dimension, (row + 1) * dimension);
    // Throws the error that names the row.
    if (!Number.isFinite(sum(dimension, (i) => values[i]! ** 2))) {
      referenceKernels.beamSearch(x, codebooks, dimension, beam);
    }
    let candidates = [{ path: [] as number[], left: placed(values), greedy: true }];
    books.forEach((book, l) => {
      const extensions = candidates.flatMap(({ left, greedy }, candidate) => {
        const norm = f(0.5 * sum(dimension, (i) => left[i]! ** 2));
        const gains = Array.from({ length: book.length / dimension }, (_, code) => {
          const c = book.subarray(code * dimension, (code + 1) * dimension);
          const half = f(0.5 * sum(dimension, (i) => c[i]! ** 2));
          return f(f(sum(dimension, (i) => left[i]! * c[i]!) - half) - norm);
        });
        const best = gains.indexOf(Math.max(...gains));
        return gains.map((gain, code) => ({
          candidate,
          code,
          gain,
          greedy: greedy && code === best,
        }));
      });
      const best = extensions.toSorted((a, b) => b.gain - a.gain);
      const last = l + 1 === books.length;
      const kept = best.slice(0, last ? 1 : beam);
      const greedy = best.find((extension) => extension.greedy)!;
      if (!last && !kept.includes(greedy)) kept[kept.length - 1] = greedy;
      candidates = kept.map((extension) => {
        const { path, left } = candidates[extension.candidate]!;
        return {
          path: [...path, extension.code],
          left: left.map((value, i) => value - book[extension.code * dimension + i]!),
          greedy: extension.greedy,
        };
      });
    });
    const left = values;
    candidates[0]!.path.forEach((code, l) => {
      for (let i = 0; i < dimension; i++) left[i]! -= codebooks[l]![code * dimension + i]!;
      codes[l * rows + row] = code;
      distances[l * rows + row] = sum(dimension, (i) => left[i]! ** 2);
    });
  }
  return { codes, distances, margins: new Float64Array(rows) };
}

/** Honest float32 arithmetic throughout, as an engine without float64 has it. */
export const float32Kernels: ReferenceKernels = {
  ...referenceKernels,
  assignTopK,
  beamSearch,
  assign: (x, books, shape, metric) => assignTopK(x, books, shape, 1, metric),
  clusterSums(x, codes, shape, weights) {
    const exact = referenceKernels.clusterSums(x, codes, shape, weights);
    // Each addition's loss is carried to the next (Kahan).
    const { groups, codebookSize, dimension } = shape;
    const cells = (width: number, term: (s: number, i: number) => number): Float64Array => {
      const length = groups * codebookSize * width;
      const totals = new Float32Array(length);
      const lost = new Float32Array(length);
      codes.forEach((code, s) => {
        const cell = ((s % groups) * codebookSize + code) * width;
        for (let i = cell; i < cell + width; i++) {
          const value = f(f(term(s, i - cell)) - lost[i]!);
          const total = f(totals[i]! + value);
          lost[i] = f(f(total - totals[i]!) - value);
          totals[i] = total;
        }
      });
      return Float64Array.from(totals);
    };
    const weight = (s: number): number => weights?.[Math.floor(s / groups)] ?? 1;
    return {
      sums: cells(dimension, (s, i) => weight(s) * x[s * dimension + i]!),
      counts: weights ? cells(1, weight) : exact.counts,
    };
  },
  matmul(a, b, { rows, inner, cols }, { transposeA, transposeB, bias, activation } = {}) {
    const result = new Float64Array(rows * cols);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cols; j++) {
        const product = sum(inner, (p) => {
          const left = transposeA ? a[p * rows + i]! : a[i * inner + p]!;
          return left * (transposeB ? b[j * inner + p]! : b[p * cols + j]!);
        });
        const value = f(product + (bias?.[j] ?? 0));
        result[i * cols + j] = activation === "relu" ? Math.max(0, value) : value;
      }
    }
    return result;
  },
  combine: (a, b, alpha, beta) =>
    Float64Array.from(a, (value, i) => f(f(f(alpha) * value) + f(f(beta) * b[i]!))),
  // An inverse of 2.5 units' error, as some GPUs take it, then a floor.
  scalarEncode(x, lower, step, levels, bits) {
    referenceKernels.thresholdEncode(x, lower, 1, 1); // Checks the rows.
    const codes = Array.from(x, (value, i) => {
      const j = i % lower.length;
      if (step[j]! < 2 ** -126) return 0;
      const inverse = f(f(1 / step[j]!) * (1 + 2 ** -22));
      const position = Math.max(f(f(value - lower[j]!) * inverse), 0);
      return Math.floor(f(Math.min(position, levels - 1) + 0.5));
    });
    return packBits(codes, lower.length, bits);
  },
  scalarDecode: (codes, lower, step, bits) =>
    Float64Array.from(unpackBits(codes, lower.length, bits), (code, i) =>
      f(lower[i % lower.length]! + f(code * step[i % lower.length]!)),
    ),
};
