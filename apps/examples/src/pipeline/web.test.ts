import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runHere } from "../../test/run-here.js";
import { fileOf, noBrowser, openWebPage, type WebPage } from "../../test/web-page.js";

const TIMEOUT_MS = 300_000;
const title = noBrowser === undefined ? "the page" : `the page (${noBrowser})`;

describe.skipIf(noBrowser)(title, async () => {
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

  it("falls back to wasm where the GPU is a CPU, and says why", async () => {
    const page = await web?.run("");
    expect(await page?.textContent("#status")).toBe("131 dishes have their IDs");
    expect(await page?.textContent("#facts")).toMatch(/cpu-wasm.*webgpu: /);
    expect(page && (await fileOf(page, "ids.json")).toString()).toBe(ids);
  });

  it(
    "gives the same IDs on WebGPU",
    async ({ skip }) => {
      const page = await web?.run("?backend=webgpu");
      const status = await page?.textContent("#status");
      skip(/WebGPU/.test(status ?? ""), status ?? "");
      expect(await page?.textContent("#facts")).toContain("webgpu: ");
      expect(page && (await fileOf(page, "ids.json")).toString()).toBe(ids);
    },
    TIMEOUT_MS,
  );
});
