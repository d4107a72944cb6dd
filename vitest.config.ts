import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { configDefaults, defineConfig, type TestProjectConfiguration } from "vitest/config";
import type { BrowserProviderOption } from "vitest/node";
import { chromium, firefox } from "./scripts/browsers/find.js";
import { firefoxProvider } from "./scripts/browsers/firefox.js";
import { LongestFirst } from "./scripts/longest-first.js";

/** Tests that run in browsers, and nowhere else. */
const IN_BROWSERS = "packages/*/src/**/*.browser.test.ts";

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
    testTimeout: 60_000,
    // Vitest would leave one core alone, which on two cores is half of them.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: [
            "packages/*/src/**/*.test.ts",
            "apps/*/src/**/*.test.ts",
            "docs/.vitepress/**/*.test.ts",
          ],
          exclude: [...configDefaults.exclude, IN_BROWSERS],
          // The CPU backend's workers come from each test file's own thread.
          pool: "forks",
        },
      },
      // A browser that is not here is told of by packages/backend-webgpu/src/browsers.test.ts, in Node.
      ...("path" in chromium ? [inBrowser("chromium", chromiumProvider(chromium.path))] : []),
      ...("path" in firefox ? [inBrowser("firefox", firefoxProvider(firefox.path))] : []),
    ],
  },
});

function inBrowser(
  name: "chromium" | "firefox",
  provider: BrowserProviderOption,
): TestProjectConfiguration {
  return {
    extends: true,
    // Shared memory, and with it threads, is for pages that keep others' content out.
    server: {
      headers: {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
      },
    },
    test: {
      name,
      include: [IN_BROWSERS],
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        // Busy machines take half a minute to start a browser.
        connectTimeout: 240_000,
        // One page at a time: a GPU that a CPU simulates takes all cores. Here, since `test.fileParallelism` would have the
        // browsers wait until Node's tests are done.
        fileParallelism: false,
        provider,
        instances: [{ browser: name }],
      },
    },
  };
}

function chromiumProvider(executablePath: string) {
  return playwright({
    launchOptions: { executablePath, args: ["--no-sandbox", "--enable-unsafe-webgpu"] },
  });
}
