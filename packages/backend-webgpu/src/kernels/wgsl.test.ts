import { expect, it } from "vitest";
import type { Kernel } from "../kernel.js";
import * as assign from "./assign.js";
import * as balance from "./balance.js";
import * as batchNorm from "./batch-norm.js";
import * as beam from "./beam.js";
import * as bound from "./bound.js";
import * as clusters from "./clusters.js";
import * as codebooks from "./codebooks.js";
import * as dense from "./dense.js";
import * as distributions from "./distributions.js";
import * as dropout from "./dropout.js";
import * as layerNorm from "./layer-norm.js";
import * as losses from "./losses.js";
import * as neighbours from "./neighbours.js";
import * as optimizers from "./optimizers.js";
import * as quantize from "./quantize.js";
import * as scan from "./scan.js";
import * as scalar from "./scalar.js";
import * as settle from "./settle.js";
import * as topK from "./top-k.js";
import * as write from "./write.js";

const kernels = [
  assign,
  balance,
  batchNorm,
  beam,
  bound,
  clusters,
  codebooks,
  dense,
  distributions,
  dropout,
  layerNorm,
  losses,
  neighbours,
  optimizers,
  quantize,
  scalar,
  scan,
  settle,
  topK,
  write,
]
  .flatMap((module): unknown[] => Object.values(module))
  .filter(
    (value): value is Kernel => typeof value === "object" && value !== null && "code" in value,
  );

it.each(kernels.map((kernel) => [kernel.name, kernel] as const))(
  "%s in WGSL",
  async (name, kernel) => {
    await expect(kernel.code).toMatchFileSnapshot(`./wgsl/${name}.wgsl`);
    if (kernel.subgroupCode === undefined) return;
    await expect(kernel.subgroupCode).toMatchFileSnapshot(`./wgsl/${name}.subgroups.wgsl`);
  },
);

it("no kernel needs more than every implementation has", () => {
  for (const { name, inputs, updates, outputs, faulty, params } of kernels) {
    const buffers = inputs.length + updates.length + outputs.length + (faulty ? 1 : 0);
    expect(buffers, name).toBeLessThanOrEqual(8);
    // 256 bytes for the parameters of one dispatch.
    expect(inputs.length + updates.length + params.length, name).toBeLessThanOrEqual(64);
  }
});
