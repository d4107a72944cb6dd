import { ArgumentError } from "@tessera/core";
import { afterAll, describe, expect, it } from "vitest";
import { findAdapter } from "../../test/adapter.js";
import { createWebGpuBackend } from "../index.js";
import { shareWithTfjs } from "./index.js";

const obstacle = await findAdapter();
const backend = obstacle === undefined ? await createWebGpuBackend() : undefined;
afterAll(() => backend?.dispose());

describe.skipIf(!backend)(`TensorFlow.js${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  it("computes on the same device, with the same buffers", async () => {
    if (!backend) return;
    const tf = await import("@tensorflow/tfjs-core");
    const share = await shareWithTfjs(backend);
    expect(await tf.setBackend(share.name)).toBe(true);
    // Small tensors would be computed on the CPU.
    tf.env().set("WEBGPU_CPU_FORWARD", false);

    const before = backend.memory();
    const x = backend.tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    const doubled = backend.combine(x, x, 1, 1);
    const theirs = share.toTfjs(doubled);
    doubled.dispose();
    // New data would land in the storage if it had been freed.
    backend.tensor(new Float32Array(6)).dispose();
    const sum = tf.add(theirs, 1);
    theirs.dispose();
    const ours = share.fromTfjs(sum);
    sum.dispose();
    expect(ours.shape).toEqual([3, 2]);
    expect([...(await ours.read())]).toEqual([3, 5, 7, 9, 11, 13]);

    const slice = backend.slice(x, 1, 3);
    const product = tf.matMul(share.toTfjs(slice), tf.tensor2d([1, 1], [2, 1]));
    expect([...(await product.data())]).toEqual([7, 11]);
    const codes = backend.tensor(Int32Array.of(2, 0));
    expect([...(await share.toTfjs(codes).data())]).toEqual([2, 0]);

    for (const tensor of [x, ours, slice, codes]) tensor.dispose();
    expect(backend.memory()).toEqual(before);
    expect(() => share.fromTfjs(tf.tensor([true, false]))).toThrow(ArgumentError);
    share.dispose();
  });
});
