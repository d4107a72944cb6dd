/**
 * `npm run bench -- [--json FILE] [--rounds N] [--only TEXT]`
 *
 * Measures the kernels on every engine of the CPU backend, with one thread and with two.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { createCpuBackend } from "@tessera/backend-cpu";
import { measureCeiling } from "./ceiling.js";
import { kernelCases } from "./kernels.js";
import { measure, type Contender, type Measurement } from "./measure.js";
import { describeMachine, formatReport, type Report } from "./report.js";

// Node 20 has relaxed SIMD behind this flag; newer ones have it anyway.
if (process.versions.node.startsWith("20.")) {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    rounds: { type: "string", default: "9" },
    only: { type: "string", default: "" },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 5) {
  throw new RangeError(`--rounds is ${values.rounds}; it must be a whole number from 5`);
}

const contenders: Contender[] = [];
const ceilings: Record<string, number> = {};
for (const engine of ["wasm", "wasm-relaxed"] as const) {
  ceilings[engine] = (await measureCeiling(engine === "wasm-relaxed")) / 1e9;
  for (const threads of [1, 2]) {
    contenders.push({
      name: `${engine}, ${threads} thread${threads === 1 ? "" : "s"}`,
      backend: await createCpuBackend({ engine, threads }),
    });
  }
}

const measurements: Measurement[] = [];
for (const benchmark of kernelCases(100_000, 128)) {
  if (benchmark.name.includes(values.only)) {
    measurements.push(...(await measure(benchmark, contenders, rounds)));
  }
}
for (const { backend } of contenders) backend.dispose();

const report: Report = { machine: describeMachine(), ceilings, rounds, measurements };
console.log(formatReport(report));
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
