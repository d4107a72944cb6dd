import { conformanceCases } from "@tessera/backend-testkit";
import { afterAll, describe, it } from "vitest";
import { server } from "vitest/browser";
import { tryToStart } from "../test/start.js";
import { createWebGpuBackend } from "./index.js";

// Backends on one device share the compiled kernels, which take longer than the cases.
const { backend: shared, obstacle } = await tryToStart();
afterAll(() => shared?.dispose());

const create = () => createWebGpuBackend({ device: shared?.gpu });
// Software adapters are slow.
const options = { scale: 0.003, flushesSubnormals: true };
const TIMEOUT_MS = 600_000;

// On a software adapter these take half of the time. They tell more of the kernels than of who compiled them.
const withoutInvariance = server.browser === "firefox";
const cases = conformanceCases(create, options).filter(
  ({ name }) => !(withoutInvariance && name.startsWith("invariance: ")),
);

describe.skipIf(obstacle)(`webgpu${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  for (const { name, run } of cases) it(name, run, TIMEOUT_MS);
});
