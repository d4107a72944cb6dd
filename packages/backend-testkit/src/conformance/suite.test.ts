import { trainingBackend, type ComputeBackend } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { float32Kernels } from "../../test/float32-kernels.js";
import { createReferenceBackend, ReferenceBackend } from "../backend/reference-backend.js";
import { identicalBitsCases } from "./identical.js";
import { conformanceCases } from "./suite.js";

describe("the reference backend conforms", () => {
  const cases = conformanceCases(async () => createReferenceBackend(), { scale: 0.05 });
  for (const c of cases) it(c.name, c.run);
});

describe("the reference backend without its optional kernels conforms", () => {
  const cases = conformanceCases(async () => createReferenceBackend({ minimal: true }), {
    scale: 0.05,
  });
  for (const c of cases) it(c.name, c.run);
});

describe("what training composes conforms", () => {
  const composed = new Set(["linearGradients", "quantizeLevels", "sumOfSquares"]);
  const create = async (): Promise<ComputeBackend> =>
    new Proxy(createReferenceBackend(), {
      get(target, property) {
        if (composed.has(String(property))) return undefined;
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  for (const { name, run } of conformanceCases(create, { scale: 0.05 })) {
    const [kernel] = name.split(":") as [string];
    if (composed.has(kernel) || kernel === "arguments") it(name, run);
  }

  it("and what it cannot compose is named", () => {
    const backend = createReferenceBackend({ minimal: true });
    expect(() => trainingBackend(backend)).toThrow(/cannot train: it has no write, linear,/);
  });
});

describe("an engine that has float32 alone and expands the square conforms", () => {
  const cases = conformanceCases(async () => new ReferenceBackend(float32Kernels), { scale: 0.1 });
  for (const c of cases) it(c.name, c.run);
});

describe("identical bits: the backend and its completed minimal form", () => {
  const cases = identicalBitsCases(
    async () => createReferenceBackend(),
    async () => createReferenceBackend({ minimal: true }),
    { scale: 0.05 },
  );
  for (const c of cases) it(c.name, c.run);
});
