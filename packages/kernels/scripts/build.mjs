// Builds the kernels for wasm, and the native engine for this machine; with --all, for every platform.
import { buildNative } from "./native.mjs";
import { hostTarget, targets } from "./targets.mjs";
import { buildWasm } from "./wasm.mjs";

buildWasm();
const host = hostTarget();
for (const target of process.argv.includes("--all") ? targets : host ? [host] : [])
  buildNative(target);
