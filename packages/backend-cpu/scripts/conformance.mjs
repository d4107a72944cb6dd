// Holds one engine of the built package to the conformance suite, without a test framework: for machines and emulators on
// which there is none.
//
//   node packages/backend-cpu/scripts/conformance.mjs native-neon 0.05
import { conformanceCases, identicalBitsCases } from "@tessera/backend-testkit";
import { createCpuBackend } from "../dist/index.js";

const [engine = "auto", scale = "1"] = process.argv.slice(2);
const create = (threads) => () => createCpuBackend({ engine, threads });
const options = { scale: Number(scale) };
const cases = [
  ...conformanceCases(create(1), options),
  ...conformanceCases(create(2), options),
  ...identicalBitsCases(create(1), create(3), options),
];

const backend = await create(2)();
console.log(`${backend.info.name} (${backend.info.features.join(", ")}) on ${process.arch}`);
backend.dispose();
let failures = 0;
for (const { name, run } of cases) {
  try {
    await run();
  } catch (error) {
    failures++;
    console.error(`${name}: ${error.stack}`);
  }
}
console.log(`${cases.length - failures} of ${cases.length} cases pass`);
process.exitCode = failures === 0 ? 0 : 1;
