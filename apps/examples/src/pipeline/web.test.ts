import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runHere } from "../../test/run-here.js";
import { PROGRAM } from "../../test/runtimes.js";
import { fileOf, noBrowser, openWebPage, type WebPage } from "../../test/web-page.js";

const TIMEOUT_MS = 300_000;
const obstacle = noBrowser ?? (existsSync(PROGRAM) ? undefined : "skipped before a build");
const title = obstacle === undefined ? "the page" : `the page (${obstacle})`;
/** What a browser says that has no WebGPU to try. */
const NO_WEBGPU = /^(WebGPU finds no GPU|this browser has no WebGPU)/;

describe.skipIf(obstacle)(title, async () => {
  const { ids } = await runHere({ backend: "cpu" });
  const folder = await mkdtemp(join(tmpdir(), "tessera-web-"));
  let web: WebPage | undefined;
  beforeAll(async () => {
    web = await openWebPage(folder);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await web?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("takes a GPU or falls back to wasm, and says why", async () => {
    const page = await web?.run("");
    expect(await page?.textContent("#status")).toBe("131 dishes have their IDs");
    // A GPU that a CPU plays is passed over.
    const facts = await page?.textContent("#facts");
    expect(facts).toMatch(/cpu-wasm.*Why(webgpu|this|WebGPU)|Computed onwebgpu/);
    expect(page && (await fileOf(page, "ids.json")).toString()).toBe(ids);
  });

  it("gives the same IDs on wasm", async () => {
    const page = await web?.run("?backend=cpu");
    expect(await page?.textContent("#facts")).toContain("cpu-wasm");
    expect(page && (await fileOf(page, "ids.json")).toString()).toBe(ids);
  });

  it(
    "gives the same IDs on WebGPU",
    async ({ skip }) => {
      const page = await web?.run("?backend=webgpu");
      const status = await page?.textContent("#status");
      skip(NO_WEBGPU.test(status ?? ""), status ?? "");
      expect(await page?.textContent("#facts")).toContain("webgpu: ");
      expect(page && (await fileOf(page, "ids.json")).toString()).toBe(ids);
    },
    TIMEOUT_MS,
  );
});
