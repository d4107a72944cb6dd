import {
  ArgumentError,
  FormatError,
  decodeSafetensors,
  encodeSafetensors,
  toFloat32,
  type HostTensor,
} from "@tessera/core";
import { describe, expect, it } from "vitest";
import { golden, memorySource } from "../test/files.js";
import { openSafetensors } from "./safetensors.js";
import { decodeVectors } from "./vectors.js";

const SIGNED = [0, 1, 2, -3, -4, -5];

describe("a file that Python's safetensors wrote", () => {
  const { tensors, metadata } = decodeSafetensors(golden("types.safetensors"));

  it("is read in every type", () => {
    expect([...tensors.keys()]).toHaveLength(17);
    for (const [name, tensor] of tensors) {
      const values = [...toFloat32(tensor)];
      if (name === "scalar") expect([tensor.shape, values]).toEqual([[], [7]]);
      else if (name === "empty") expect([tensor.shape, values]).toEqual([[0, 5], []]);
      else if (name === "bool") expect(values).toEqual([0, 1, 0, 1, 0, 1]);
      else if (name.startsWith("u") || name.startsWith("ü"))
        expect(values).toEqual([0, 1, 2, 3, 4, 5]);
      else expect([tensor.shape, values]).toEqual([[2, 3], SIGNED]);
    }
    expect({ ...metadata }).toEqual({ spec: 'rq3x256 "quoted" \n é' });
  });

  it("is written byte for byte the same", () => {
    const reversed = new Map([...tensors].reverse());
    expect(encodeSafetensors(reversed, metadata)).toEqual(golden("types.safetensors"));
  });
});

describe("vectors in safetensors", () => {
  const matrix: HostTensor = { dtype: "F32", shape: [2, 3], data: Float32Array.from(SIGNED) };
  const labels: HostTensor = { dtype: "I64", shape: [2, 1], data: BigInt64Array.of(1n, 2n) };
  const bias: HostTensor = { dtype: "F32", shape: [3], data: Float32Array.of(1, 2, 3) };

  it("are the only 2-D tensor of floats", async () => {
    const { data, cols } = await decodeVectors(encodeSafetensors({ labels, matrix, bias }));
    expect([cols, [...data]]).toEqual([3, SIGNED]);
  });

  it.each(["f16", "i64", "bool"])("are the tensor that is named, here %s", async (tensor) => {
    const { rows, cols } = await decodeVectors(golden("types.safetensors"), "x", { tensor });
    expect([rows, cols]).toEqual([2, 3]);
  });

  it("must be chosen where several could be meant", async () => {
    const error = await decodeVectors(encodeSafetensors({ b: matrix, a: matrix }), "m").catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(FormatError);
    expect(error).toMatchObject({
      message: 'm has 2 2-D tensors of floats: "a" [2, 3], "b" [2, 3]',
      hint: expect.stringContaining("option tensor") as string,
    });
  });

  it.each<[string, Record<string, HostTensor>, string | undefined, unknown]>([
    ["no matrix", { bias }, undefined, FormatError],
    ["no tensor", {}, undefined, FormatError],
    ["no tensor of that name", { matrix }, "x", ArgumentError],
    ["another shape under that name", { bias }, "bias", FormatError],
  ])("are refused with %s", async (_, tensors, tensor, error) => {
    const source = memorySource(encodeSafetensors(tensors), "m.safetensors");
    await expect(openSafetensors(source, tensor)).rejects.toThrow(error as typeof Error);
  });

  it("are named in the errors of a damaged file", async () => {
    const bytes = encodeSafetensors({ matrix }).subarray(0, -1);
    await expect(decodeVectors(bytes, "m.safetensors")).rejects.toThrow(/^m\.safetensors: .*bytes/);
  });
});
