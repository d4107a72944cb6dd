import { conformanceCases } from "@tessera/backend-testkit";
import { afterAll, describe, it } from "vitest";
import { findAdapter } from "../test/adapter.js";
import { createWebGpuBackend } from "./index.js";

const obstacle = await findAdapter();
// Backends on one device share the compiled kernels, which take longer than the cases.
const shared = obstacle === undefined ? await createWebGpuBackend() : undefined;
afterAll(() => shared?.dispose());

const create = () => createWebGpuBackend({ device: shared?.gpu });
// Software adapters are slow.
const options = { scale: 0.01, flushesSubnormals: true };
const TIMEOUT_MS = 300_000;

describe.skipIf(obstacle)(`webgpu${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  for (const { name, run } of conformanceCases(create, options)) it(name, run, TIMEOUT_MS);
});
