import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BACKEND_NAMES, pickBackend } from "@tessera/backend";
import { createCpuBackend } from "@tessera/backend-cpu";
import { type CompleteBackend, TesseraError } from "@tessera/core";
import { findAdapter } from "../../backend-webgpu/test/adapter.js";

/** A backend that this machine has, or why it has not. */
export type Candidate =
  | { readonly name: string; readonly backend: CompleteBackend; readonly obstacle?: undefined }
  | { readonly name: string; readonly obstacle: string };

const ENGINES = ["native", "native-avx2", "wasm", "wasm-relaxed"] as const;

/** Where CI has TensorFlow for Node built. */
const TENSORFLOW = fileURLToPath(
  new URL("../../../node_modules/.cache/tessera/tfjs-node", import.meta.url),
);

/** Lets backends find what stands in for missing hardware and packages, in this process and those it starts. */
export async function preparePeers(): Promise<void> {
  // Has Dawn use SwiftShader where there is no GPU.
  await findAdapter();
  if (existsSync(TENSORFLOW)) process.env["TESSERA_TFJS_NODE"] ??= TENSORFLOW;
}

/** Starts every backend there is, the CPU's engines one by one. Whoever asks disposes them. */
export async function everyBackend(): Promise<Candidate[]> {
  await preparePeers();
  const starts: [string, () => Promise<CompleteBackend>][] = [
    ...ENGINES.map((engine): [string, () => Promise<CompleteBackend>] => [
      `cpu-${engine}`,
      () => createCpuBackend({ engine }),
    ]),
    ...BACKEND_NAMES.filter((name) => name !== "cpu").map(
      (name): [string, () => Promise<CompleteBackend>] => [name, () => pickBackend({ name })],
    ),
  ];
  const candidates: Candidate[] = [];
  for (const [name, start] of starts) {
    try {
      candidates.push({ name, backend: await start() });
    } catch (error) {
      if (!(error instanceof TesseraError)) throw error;
      candidates.push({ name, obstacle: error.message });
    }
  }
  return candidates;
}
