import {
  ArgumentError,
  ShapeError,
  type AssignOptions,
  type CompleteBackend,
  type DType,
  type MatmulOptions,
  type ScalarOptions,
  type Tensor,
  type TypedArrays,
} from "@tessera/core";
import { expectExact, expectThat, expectThrows, type ErrorClass } from "./assertions.js";
import { withBackend, type CaseDefinition } from "./case.js";
import { floats, integers } from "./problems.js";

export type Trial = readonly [what: string, call: () => unknown, expected: readonly ErrorClass[]];

const SHAPE = [ShapeError];
const ARGUMENT = [ArgumentError];
/** Where the contract leaves open which of the two it is. */
const EITHER = [ShapeError, ArgumentError];

/** Each trial throws at the call and leaves no tensors behind. */
export function expectRefused(backend: CompleteBackend, trials: readonly Trial[]): void {
  const before = backend.memory().tensors;
  for (const [what, call, expected] of trials) {
    expectThrows(call, expected, what);
    const left = backend.memory().tensors - before;
    expectThat(left === 0, what, `${left} tensors were left behind by a call that threw`);
  }
}

/** Stands in for a caller without types. */
export function untyped<T>(value: unknown): T {
  return value as T;
}

export const argumentCases: readonly CaseDefinition[] = [
  {
    name: "arguments: tensor, zeros, slice and reshape refuse what does not fit",
    async body(backend) {
      const data = new Float32Array(6);
      const x = floats(backend, data, [3, 2]);
      expectRefused(backend, [
        ["tensor of 6 values as [2, 2]", () => backend.tensor(data, [2, 2]), SHAPE],
        ["tensor as [-2, -3]", () => backend.tensor(data, [-2, -3]), SHAPE],
        ["tensor as [1.5, 4]", () => backend.tensor(data, [1.5, 4]), SHAPE],
        [
          "tensor of a Float64Array",
          () => backend.tensor(untyped<TypedArrays[DType]>(new Float64Array(2))),
          ARGUMENT,
        ],
        ["zeros as [NaN]", () => backend.zeros([NaN], "float32"), SHAPE],
        ["zeros of float64", () => backend.zeros([1], untyped<DType>("float64")), ARGUMENT],
        ["reshape of [3, 2] as [4]", () => backend.reshape(x, [4]), SHAPE],
        ["slice beyond the end", () => backend.slice(x, 0, 4), EITHER],
        ["slice from -1", () => backend.slice(x, -1, 2), EITHER],
        ["slice that ends before it starts", () => backend.slice(x, 2, 1), EITHER],
        ["slice at a fraction", () => backend.slice(x, 0.5, 2), EITHER],
      ]);
    },
  },
  {
    name: "arguments: kernels on codebooks refuse wrong shapes, counts and names",
    async body(backend) {
      const x = backend.zeros([4, 6], "float32");
      const books = backend.zeros([2, 5, 3], "float32");
      const codes = backend.zeros([4, 2], "int32");
      const none = backend.zeros([2, 0, 3], "float32");
      const flat = backend.zeros([30], "float32");
      const narrow = backend.zeros([4, 5], "float32");
      const short = backend.zeros([3, 2], "int32");
      const column = backend.zeros([4, 1], "int32");
      const three = backend.zeros([3], "int32");
      const weights = backend.zeros([3], "float32");
      const metric = untyped<AssignOptions>({ metric: "cosine" });
      expectRefused(backend, [
        ["assign of 5 columns", () => backend.assign(narrow, books), SHAPE],
        ["assign of a vector", () => backend.assign(flat, books), SHAPE],
        ["assign to flat codebooks", () => backend.assign(x, flat), SHAPE],
        ["assign to no codewords", () => backend.assign(x, none), EITHER],
        ["assign by cosine", () => backend.assign(x, books, metric), ARGUMENT],
        ["assignTopK of 5 columns", () => backend.assignTopK(narrow, books, 1), SHAPE],
        ["assignTopK of 0", () => backend.assignTopK(x, books, 0), ARGUMENT],
        ["assignTopK of 6 among 5", () => backend.assignTopK(x, books, 6), ARGUMENT],
        ["assignTopK of 1.5", () => backend.assignTopK(x, books, 1.5), ARGUMENT],
        ["assignTopK by cosine", () => backend.assignTopK(x, books, 1, metric), ARGUMENT],
        ["gather by one column of codes", () => backend.gather(books, column), SHAPE],
        ["gather by a vector of codes", () => backend.gather(books, three), SHAPE],
        ["gather from flat codebooks", () => backend.gather(flat, codes), SHAPE],
        ["residual of 5 columns", () => backend.residual(narrow, books, codes), SHAPE],
        ["residual of 4 rows by 3", () => backend.residual(x, books, short), SHAPE],
        ["residual by 3 parents", () => backend.residual(x, books, codes, three), SHAPE],
        ["clusterSums of 4 rows by 3", () => backend.clusterSums(x, short, 5), SHAPE],
        ["clusterSums of 5 columns by 2", () => backend.clusterSums(narrow, codes, 5), SHAPE],
        ["clusterSums of -1 codewords", () => backend.clusterSums(x, codes, -1), ARGUMENT],
        ["clusterSums of 2.5 codewords", () => backend.clusterSums(x, codes, 2.5), ARGUMENT],
        ["clusterSums by 3 weights", () => backend.clusterSums(x, codes, 5, weights), SHAPE],
      ]);
      const many = backend.zeros([1, 300, 1], "float32");
      const one = backend.zeros([1, 1], "float32");
      expectRefused(backend, [
        ["assignTopK of 257", () => backend.assignTopK(one, many, 257), ARGUMENT],
      ]);
    },
  },
  {
    name: "arguments: dense kernels refuse wrong shapes and names",
    async body(backend) {
      const a = backend.zeros([4, 3], "float32");
      const b = backend.zeros([4, 2], "float32");
      const vector = backend.zeros([4], "float32");
      const bias = backend.zeros([3], "float32");
      const indices = backend.zeros([2, 1], "int32");
      const row = backend.zeros([2], "int32");
      const gelu = untyped<MatmulOptions>({ transposeA: true, activation: "gelu" });
      expectRefused(backend, [
        ["matmul of [4, 3] and [4, 2]", () => backend.matmul(a, b), SHAPE],
        ["matmul, b transposed", () => backend.matmul(a, b, { transposeB: true }), SHAPE],
        ["matmul of a vector", () => backend.matmul(vector, b), SHAPE],
        ["matmul, bias of 3 for 2", () => backend.matmul(a, b, { transposeA: true, bias }), SHAPE],
        ["matmul with gelu", () => backend.matmul(a, b, gelu), ARGUMENT],
        ["combine of [4, 3] and [4, 2]", () => backend.combine(a, b, 1, 1), SHAPE],
        ["combine of [4] and [4, 2]", () => backend.combine(vector, b, 1, 1), SHAPE],
        ["take by a matrix", () => backend.take(a, indices), SHAPE],
        ["take from a vector", () => backend.take(vector, row), SHAPE],
      ]);
    },
  },
  {
    name: "arguments: scalar kernels refuse wrong shapes, types, levels and bits",
    async body(backend) {
      const x = backend.zeros([4, 3], "float32");
      const three = backend.zeros([3], "float32");
      const two = backend.zeros([2], "float32");
      const row = backend.zeros([1, 3], "float32");
      const none = backend.zeros([0, 3], "float32");
      const narrow = backend.zeros([1, 2], "float32");
      const bytes = backend.zeros([4, 3], "uint8");
      const vector = backend.zeros([3], "uint8");
      const six = untyped<ScalarOptions>({ bits: 6 });
      const notFloats = untyped<Tensor<"float32">>(bytes);
      const notBytes = untyped<Tensor<"uint8">>(backend.zeros([4, 3], "int32"));
      expectRefused(backend, [
        ["scalarEncode of a vector", () => backend.scalarEncode(three, three, three), SHAPE],
        ["scalarEncode, lower of 2 for 3", () => backend.scalarEncode(x, two, three), SHAPE],
        ["scalarEncode, step of 2 for 3", () => backend.scalarEncode(x, three, two), SHAPE],
        ["scalarEncode, step [1, 3]", () => backend.scalarEncode(x, three, row), SHAPE],
        ["scalarEncode in 6 bits", () => backend.scalarEncode(x, three, three, six), ARGUMENT],
        [
          "scalarEncode, 17 levels in 4 bits",
          () => backend.scalarEncode(x, three, three, { bits: 4, levels: 17 }),
          ARGUMENT,
        ],
        [
          "scalarEncode, 1 level",
          () => backend.scalarEncode(x, three, three, { levels: 1 }),
          ARGUMENT,
        ],
        [
          "scalarEncode, 2.5 levels",
          () => backend.scalarEncode(x, three, three, { levels: 2.5 }),
          ARGUMENT,
        ],
        ["scalarEncode of uint8", () => backend.scalarEncode(notFloats, three, three), ARGUMENT],
        ["scalarDecode of a vector", () => backend.scalarDecode(vector, three, three), SHAPE],
        ["scalarDecode, lower of 2 for 3", () => backend.scalarDecode(bytes, two, three), SHAPE],
        ["scalarDecode, step of 2 for 3", () => backend.scalarDecode(bytes, three, two), SHAPE],
        [
          "scalarDecode of 3 bytes for 3 codes of 4 bits",
          () => backend.scalarDecode(bytes, three, three, { bits: 4 }),
          SHAPE,
        ],
        ["scalarDecode in 6 bits", () => backend.scalarDecode(bytes, three, three, six), ARGUMENT],
        ["scalarDecode of int32", () => backend.scalarDecode(notBytes, three, three), ARGUMENT],
        ["thresholdEncode of a vector", () => backend.thresholdEncode(three, row), SHAPE],
        ["thresholdEncode, 2 columns for 3", () => backend.thresholdEncode(x, narrow), SHAPE],
        ["thresholdEncode by a vector", () => backend.thresholdEncode(x, three), SHAPE],
        ["thresholdEncode in 6 bits", () => backend.thresholdEncode(x, x, six), ARGUMENT],
        [
          "thresholdEncode, 4 thresholds in 2 bits",
          () => backend.thresholdEncode(x, x, { bits: 2 }),
          ARGUMENT,
        ],
        ["thresholdEncode, none", () => backend.thresholdEncode(x, none), ARGUMENT],
        ["packSigns of a vector", () => backend.packSigns(three), SHAPE],
        ["packSigns, thresholds of 2 for 3", () => backend.packSigns(x, two), SHAPE],
        ["packSigns of uint8", () => backend.packSigns(notFloats), ARGUMENT],
      ]);
    },
  },
  {
    name: "arguments: kernels refuse tensors of the wrong type",
    async body(backend) {
      const x = floats(backend, [1, 2], [2, 1]);
      const books = floats(backend, [1, 2], [1, 2, 1]);
      const codes = integers(backend, [0, 1], [2, 1]);
      const bytes = untyped<Tensor<"int32">>(backend.zeros([2, 1], "uint8"));
      const wholeRows = untyped<Tensor<"float32">>(codes);
      const realCodes = untyped<Tensor<"int32">>(x);
      expectRefused(backend, [
        ["assign of int32 rows", () => backend.assign(wholeRows, books), ARGUMENT],
        ["assignTopK of int32 rows", () => backend.assignTopK(wholeRows, books, 1), ARGUMENT],
        ["gather by float32 codes", () => backend.gather(books, realCodes), ARGUMENT],
        ["gather by uint8 codes", () => backend.gather(books, bytes), ARGUMENT],
        ["residual by float32 codes", () => backend.residual(x, books, realCodes), ARGUMENT],
        ["clusterSums by float32 codes", () => backend.clusterSums(x, realCodes, 2), ARGUMENT],
        ["matmul of int32", () => backend.matmul(x, wholeRows, { transposeA: true }), ARGUMENT],
        ["combine with int32", () => backend.combine(x, wholeRows, 1, 1), ARGUMENT],
      ]);
      const positions = untyped<Tensor<"int32">>(floats(backend, [0]));
      expectRefused(backend, [["take by float32", () => backend.take(x, positions), ARGUMENT]]);
    },
  },
  {
    name: "arguments: kernels refuse tensors of another backend, and work on",
    async body(backend, { create }) {
      await withBackend(create, async (other) => {
        const x = floats(backend, [1, 2], [2, 1]);
        const books = floats(backend, [1, 2], [1, 2, 1]);
        const foreign = floats(other, [1, 2], [2, 1]);
        const foreignBooks = floats(other, [1, 2], [1, 2, 1]);
        const foreignCodes = integers(other, [0, 1], [2, 1]);
        expectRefused(backend, [
          ["assign of foreign rows", () => backend.assign(foreign, books), ARGUMENT],
          ["assign to foreign codebooks", () => backend.assign(x, foreignBooks), ARGUMENT],
          ["assignTopK of foreign rows", () => backend.assignTopK(foreign, books, 1), ARGUMENT],
          ["gather by foreign codes", () => backend.gather(books, foreignCodes), ARGUMENT],
          ["residual by foreign codes", () => backend.residual(x, books, foreignCodes), ARGUMENT],
          [
            "clusterSums of foreign rows",
            () => backend.clusterSums(foreign, foreignCodes, 2),
            ARGUMENT,
          ],
          [
            "matmul of foreign rows",
            () => backend.matmul(foreign, x, { transposeA: true }),
            ARGUMENT,
          ],
          ["combine with foreign rows", () => backend.combine(x, foreign, 1, 1), ARGUMENT],
          ["slice of foreign rows", () => backend.slice(foreign, 0, 1), ARGUMENT],
          ["reshape of foreign rows", () => backend.reshape(foreign, [2]), ARGUMENT],
        ]);
        expectExact(await backend.assign(x, books).codes.read(), [0, 1], [2, 1], "assign");
        expectExact(await foreign.read(), [1, 2], [2, 1], "read() of the other backend");
      });
    },
  },
];
