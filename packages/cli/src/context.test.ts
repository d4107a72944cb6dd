import { pickBackend } from "@tessera/backend";
import { createReferenceBackend } from "@tessera/backend-testkit";
import { completeBackend, type ComputeBackend } from "@tessera/core";
import { afterEach, expect, it, vi } from "vitest";
import { type Context, withBackend } from "./context.js";

vi.mock("@tessera/backend", () => ({ pickBackend: vi.fn<() => unknown>() }));
afterEach(() => vi.clearAllMocks());

const work = { rows: 10, dimension: 2, codebookSize: 4 };

/** Has a backend with this in its `info` picked; returns what a person is told, and what it was picked by. */
async function toldOf(info: object, choice: Parameters<typeof withBackend>[0] = {}) {
  const made = createReferenceBackend();
  const backend = Object.assign(Object.create(made) as ComputeBackend, {
    info: { ...made.info, ...info },
    dispose: () => made.dispose(),
  });
  vi.mocked(pickBackend).mockResolvedValue(completeBackend(backend));
  const note = vi.fn<(line: string) => void>();
  const context = { note } as Partial<Context> as Context;
  const name = await withBackend(choice, async (given) => given.info.name, { work, context });
  expect(name).toBe(backend.info.name);
  return { told: note.mock.calls.flat(), by: vi.mocked(pickBackend).mock.lastCall?.[0] };
}

it("a backend is picked for the work, and a person is told if that is not on the CPU", async () => {
  const reason = "this work takes about 4 s on webgpu, 60 s on cpu";
  const { told, by } = await toldOf({ name: "webgpu", device: "a GPU", reason });
  expect(by).toEqual({ name: undefined, threads: undefined, work });
  expect(told).toEqual([`computing on webgpu, a GPU: ${reason}`]);
});

it("nothing is told of the CPU, nor of what was named", async () => {
  expect((await toldOf({ name: "cpu-native", reason: "too small" })).told).toEqual([]);
  const named = await toldOf({ name: "tensorflow" }, { backend: "tensorflow", threads: 2 });
  expect(named.by).toEqual({ name: "tensorflow", threads: 2, work });
  expect(named.told).toEqual([]);
});
