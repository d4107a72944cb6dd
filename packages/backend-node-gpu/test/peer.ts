import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BackendError } from "@tessera/core";
import { createTensorflowBackend } from "../src/index.js";

/** Where CI has TensorFlow built. */
const BUILT = fileURLToPath(
  new URL("../../../node_modules/.cache/tessera/tfjs-node", import.meta.url),
);

/** The folder to load TensorFlow from, or why tests of it cannot run here. */
export async function findPeer(): Promise<{ path?: string; obstacle?: string }> {
  const path = process.env["TESSERA_TFJS_NODE"] ?? (existsSync(BUILT) ? BUILT : undefined);
  try {
    (await createTensorflowBackend({ path })).dispose();
    return path === undefined ? {} : { path };
  } catch (error) {
    if (error instanceof BackendError) return { obstacle: `skipped: ${error.message}` };
    throw error;
  }
}
