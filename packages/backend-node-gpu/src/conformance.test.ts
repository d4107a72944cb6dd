import { conformanceCases } from "@tessera/backend-testkit";
import { describe, it } from "vitest";
import { findPeer } from "../test/peer.js";
import { createTensorflowBackend } from "./index.js";

const { path, obstacle } = await findPeer();
const create = () => createTensorflowBackend({ path });

describe.skipIf(obstacle)(`tensorflow${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  const cases = conformanceCases(create, { scale: 0.1, flushesSubnormals: true });
  for (const { name, run } of cases) it(name, run);
});
