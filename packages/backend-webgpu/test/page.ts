import { conformanceCases } from "@tessera/backend-testkit";
import { BackendError } from "@tessera/core";
import { createWebGpuBackend } from "../src/index.js";

// Runs the conformance suite in a browser, and posts what became of it to the server that the page came from.

export interface Outcome {
  /** Why this browser has no adapter. */
  readonly obstacle?: string;
  readonly device?: string;
  readonly passed?: number;
  readonly failures?: readonly string[];
}

async function runCases(): Promise<Outcome> {
  let shared: Awaited<ReturnType<typeof createWebGpuBackend>>;
  try {
    shared = await createWebGpuBackend();
  } catch (error) {
    if (error instanceof BackendError) return { obstacle: error.message };
    throw error;
  }
  const failures: string[] = [];
  let passed = 0;
  const create = () => createWebGpuBackend({ device: shared.gpu });
  for (const { name, run } of conformanceCases(create, { scale: 0.003, flushesSubnormals: true })) {
    try {
      await run();
      passed++;
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`);
    }
  }
  return { device: shared.info.device, passed, failures };
}

const outcome = await runCases().catch((error: Error): Outcome => ({ failures: [error.message] }));
await fetch("/outcome", { method: "POST", body: JSON.stringify(outcome) });
