import { completeBackend, CodeRangeError, type Tensor } from "@tessera/core";
import { expect, it } from "vitest";
import { createReferenceBackend } from "./reference-backend.js";

it.each([
  ["whole", () => createReferenceBackend()],
  ["completed", () => completeBackend(createReferenceBackend({ minimal: true }))],
])("assigns, gathers and takes residuals: %s", async (_name, create) => {
  const backend = create();
  const floats = (data: number[], shape: number[]): Tensor<"float32"> =>
    backend.tensor(new Float32Array(data), shape);
  const x = floats([0, 0, 3, 4, 9, 9], [3, 2]);
  const books = floats([0, 1, 3, 3, 3, 3], [1, 3, 2]);
  const { codes, distances } = backend.assign(x, books);
  expect([...(await codes.read())]).toEqual([0, 1, 1]);
  expect([...(await distances.read())]).toEqual([1, 1, 72]);
  expect([...(await backend.residual(x, books, codes).read())]).toEqual([0, -1, 0, 1, 6, 6]);
  const outside = backend.gather(books, backend.tensor(new Int32Array([3]), [1, 1]));
  await expect(backend.combine(outside, outside, 1, 1).read()).rejects.toThrow(CodeRangeError);
});
