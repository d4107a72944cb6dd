// The program of `gpu-check.sh run`: the conformance kit through Dawn, then measurements, beside PyTorch on the same card.
//
//   main.mjs --out FOLDER [--tiny] [--software] [--python PYTHON]
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { conformanceCases } from "@tessera/backend-testkit";
import { createWebGpuBackend } from "@tessera/backend-webgpu";
import { measureTessera } from "./measure.mjs";
import { measureRoofline } from "./roofline.mjs";
import { WORK } from "./sizes.mjs";
import { markdownOf } from "./table.mjs";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "." },
    tiny: { type: "boolean", default: false },
    software: { type: "boolean", default: false },
    python: { type: "string" },
  },
});
const work = values.tiny ? WORK.tiny : WORK.full;

const backend = await createWebGpuBackend();
const { device, adapter, limits } = backend.info;
console.log(`adapter: ${device}`);
if (adapter.software && !values.software) {
  console.error("this adapter computes on the CPU; --software measures it all the same");
  process.exit(1);
}

const kit = await runKit();
console.log(`kit: ${kit.passed} passed, ${kit.failures.length} failed`);
for (const failure of kit.failures) console.log(`  ${failure}`);
const roofline = await measureRoofline(backend.gpu, work);
console.log("roofline:", roofline);
const tessera = await measureTessera(backend, work, console.log);
const torch = values.python === undefined ? undefined : await measureTorch(values.python);
backend.dispose();

const report = {
  date: new Date().toISOString(),
  adapter: device,
  limits,
  work,
  kit,
  roofline,
  tessera,
  torch,
};
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "gpu-check.json"), `${JSON.stringify(report, null, 2)}\n`);
const table = markdownOf(report);
writeFileSync(join(values.out, "gpu-check.md"), table);
console.log(`\n${table}`);
process.exit(kit.failures.length === 0 ? 0 : 1);

async function runKit() {
  const failures = [];
  let passed = 0;
  // On one device, so that kernels are compiled once.
  const create = () => createWebGpuBackend({ device: backend.gpu });
  const options = { scale: values.tiny ? 0.01 : 1, flushesSubnormals: true };
  for (const { name, run } of conformanceCases(create, options)) {
    try {
      await run();
      passed++;
    } catch (error) {
      failures.push(`${name}: ${error.message}`);
    }
  }
  return { passed, failures };
}

/** PyTorch's times of the same work, in seconds; or why there are none. */
async function measureTorch(python) {
  const peer = fileURLToPath(new URL("peer.py", import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(python, [peer, JSON.stringify(work)], {
      timeout: 180_000,
    });
    const result = JSON.parse(stdout);
    console.log("PyTorch:", result);
    return result;
  } catch (error) {
    console.log(`PyTorch did not run: ${error.stderr || error.message}`);
    return {
      obstacle: String(error.stderr || error.message)
        .trim()
        .split("\n")
        .at(-1),
    };
  }
}
