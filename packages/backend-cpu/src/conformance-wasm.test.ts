import { setFlagsFromString } from "node:v8";
import { describeEngine } from "../test/conformance.js";
import { detectSupport } from "./engine.js";

// Node 20 has relaxed SIMD behind this flag; newer ones know no such flag and need none.
if (process.versions.node.startsWith("20.")) {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}
const { relaxedSimd } = detectSupport();

// Each case starts its own workers, which takes longer than most cases do; on two, bits are compared of every kernel.
describeEngine({ engine: "wasm", threads: [1, 3] });
describeEngine({
  engine: "wasm-relaxed",
  obstacle: relaxedSimd ? undefined : "this host has no relaxed SIMD",
  threads: [1],
});
describeEngine({ engine: "scalar", threads: [1] });
