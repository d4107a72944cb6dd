import { conformanceCases } from "@tessera/backend-testkit";
import type { Tensor } from "@tessera/core";
import { afterAll, describe, expect, it } from "vitest";
import { findAdapter } from "../test/adapter.js";
import { Inputs, PARTS_CASES, type PartsCase } from "../test/parts-cases.js";
import { createWebGpuBackend } from "./index.js";
import type { WebGpuBackend } from "./backend.js";

const obstacle = await findAdapter();
const shared = obstacle === undefined ? await createWebGpuBackend() : undefined;
afterAll(() => shared?.dispose());
const TIMEOUT_MS = 300_000;
/** Each row is a workgroup, whose barriers take long on software adapters. */
const FEW = 20;

const start = async (subgroups?: boolean) =>
  (await createWebGpuBackend({ device: shared?.gpu, subgroups })) as WebGpuBackend;

/** Whether the device has subgroups that kernels can use. */
const able = shared !== undefined && (await start(true)).info.subgroups;

/** Kernels that combine values of lanes. */
const BY_TREES: readonly PartsCase["kernel"][] = [
  "layerNorm",
  "layerNormGradients",
  "rotateGradient",
  "reconstructionLoss",
  "softmax",
  "softmaxGradient",
  "entropy",
  "contrastiveLoss",
  "sumOfSquares",
  "balancedAssign",
];

async function valuesOf({ make }: PartsCase, subgroups: boolean) {
  const backend = await start(subgroups);
  const read = async ([name, tensor]: [string, Tensor]) => [name, await tensor.read()];
  const values = await Promise.all(Object.entries(make(new Inputs(backend, FEW))).map(read));
  backend.dispose();
  return Object.fromEntries(values) as object;
}

describe.skipIf(obstacle)(`subgroups${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  it("are used where a GPU has them, unless they are not to be", async () => {
    const used = async (subgroups?: boolean) => {
      const backend = await start(subgroups);
      backend.dispose();
      return backend.info.subgroups;
    };
    if (!shared!.gpu.features.has("subgroups")) expect(able).toBe(false);
    expect(await used()).toBe(able && !shared!.info.adapter.software);
    expect(await used(false)).toBe(false);
  });
});

describe.skipIf(!able)(`subgroups${able ? "" : " (this device has none)"}`, () => {
  it.each(PARTS_CASES.filter(({ kernel }) => BY_TREES.includes(kernel)))(
    "change no bit: $kernel",
    async (parts) => {
      expect(await valuesOf(parts, true)).toEqual(await valuesOf(parts, false));
    },
    TIMEOUT_MS,
  );
});

// The whole suite runs without on software adapters.
describe.skipIf(!able)("with subgroups", () => {
  const options = { scale: 0.003, flushesSubnormals: true };
  for (const { name, run } of conformanceCases(() => start(true), options)) {
    if (BY_TREES.some((kernel) => name.startsWith(`${kernel}:`))) it(name, run, TIMEOUT_MS);
  }
});
