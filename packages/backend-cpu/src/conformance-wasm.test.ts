import { setFlagsFromString } from "node:v8";
import { describeEngine } from "../test/conformance.js";
import { detectSupport } from "./engine.js";

// Node 20 has relaxed SIMD behind this flag; newer ones know no such flag and need none.
if (process.versions.node.startsWith("20.")) {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}
const { relaxedSimd } = detectSupport();

describeEngine("wasm", undefined);
describeEngine("wasm-relaxed", relaxedSimd ? undefined : "this host has no relaxed SIMD");
describeEngine("scalar", undefined);
