import { expect, it } from "vitest";
import type { Kernel } from "../kernel.js";
import * as assign from "./assign.js";
import * as beam from "./beam.js";
import * as clusters from "./clusters.js";
import * as codebooks from "./codebooks.js";
import * as dense from "./dense.js";
import * as scalar from "./scalar.js";
import * as settle from "./settle.js";
import * as topK from "./top-k.js";

const kernels = [assign, beam, clusters, codebooks, dense, scalar, settle, topK]
  .flatMap((module): unknown[] => Object.values(module))
  .filter((value): value is Kernel => typeof value === "object");

it.each(kernels.map(({ name, code }) => [name, code]))("%s in WGSL", async (name, code) => {
  await expect(code).toMatchFileSnapshot(`./wgsl/${name}.wgsl`);
});

it("no kernel needs more than every implementation has", () => {
  for (const { name, inputs, outputs, faulty, params } of kernels) {
    const buffers = inputs.length + outputs.length + (faulty ? 1 : 0);
    expect(buffers, name).toBeLessThanOrEqual(8);
    // 256 bytes for the parameters of one dispatch.
    expect(inputs.length + params.length, name).toBeLessThanOrEqual(64);
  }
});
