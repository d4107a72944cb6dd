import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./scripts/longest-first.js";

const packages = fileURLToPath(new URL("packages/", import.meta.url));

export default defineConfig({
  resolve: {
    // Tests run on the sources, so that no stale build can pass or fail them.
    alias: [
      {
        find: "@tessera/core/arguments",
        replacement: `${packages}core/src/arguments/index.ts`,
      },
      {
        find: "@tessera/core/authoring",
        replacement: `${packages}core/src/authoring/index.ts`,
      },
      { find: "@tessera/rqvae/steps", replacement: `${packages}rqvae/src/steps.ts` },
      {
        find: "@tessera/backend-webgpu/tfjs",
        replacement: `${packages}backend-webgpu/src/tfjs/index.ts`,
      },
      { find: "@tessera/io/arrow", replacement: `${packages}io/src/arrow.ts` },
      { find: "@tessera/io/node", replacement: `${packages}io/src/node.ts` },
      { find: "@tessera/io/parquet", replacement: `${packages}io/src/parquet.ts` },
      { find: "@tessera/search/node", replacement: `${packages}search/src/node.ts` },
      { find: "@tessera/search/recommend", replacement: `${packages}search/src/recommend.ts` },
      { find: "@tessera/tfjs/layers", replacement: `${packages}tfjs/src/layers/index.ts` },
      ...readdirSync(packages).map((name) => ({
        find: new RegExp(`^@tessera/${name}$`),
        replacement: `${packages}${name}/src/index.ts`,
      })),
    ],
  },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.ts",
      "docs/.vitepress/**/*.test.ts",
    ],
    testTimeout: 60_000,
    // The CPU backend's workers come from each test file's own thread.
    pool: "forks",
    // Vitest would leave one core alone, which on two cores is half of them.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
  },
});
