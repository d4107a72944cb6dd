import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { run } from "@tessera/cli";
import { decodeNpy } from "@tessera/io";
import { readIds } from "@tessera/semantic-ids";
import type { Response } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { missing, PATIENCE_MS, Site, Visit } from "./testing/site.js";

/** Each sample with a model that is quickly learned, and the share of the variance that it may lose. */
const LESSONS: readonly (readonly [data: string, settings: string, most: number])[] = [
  ["moons", "spec=rq2x8&points=400", 0.013],
  ["blobs", "spec=vq16&points=400", 0.016],
  ["rings", "spec=vq12%2Bvq12&points=400", 0.012],
  ["spiral", "spec=ae(16,2)>rq2x8&points=300&steps=100&pretraining=60&learningRate=0.01", 0.03],
  ["emoji", "spec=vq16%2Bvq64&iterations=6", 0.55],
  ["words", "spec=rq2x32&iterations=8", 0.65],
  ["digits", "spec=pq4x32&iterations=8", 0.47],
];
/** The same where a CPU plays the GPU: programs take it seconds to compile, so there are few of them. */
const LESSONS_OF_GPU: typeof LESSONS = [
  ...LESSONS.slice(0, 4),
  ["emoji", "spec=vq8&iterations=3", 0.82],
  ["words", "spec=vq8&iterations=3", 0.9],
  ["digits", "spec=vq8&iterations=3", 0.82],
];

describe.skipIf(missing !== "")(`the playground in Chromium${missing}`, () => {
  let site: Site;
  let visit: Visit;

  beforeAll(async () => {
    site = await Site.start();
  }, PATIENCE_MS);
  afterAll(() => site?.close());
  beforeEach(async () => {
    visit = await Visit.begin(site);
  });
  afterEach(() => visit.end());

  it("is small, and shows itself before there are data", async () => {
    const { page } = visit;
    const loaded: Response[] = [];
    page.on("response", (response) => loaded.push(response));
    await visit.open("#data=moons&points=300&spec=vq4&speed=full&backend=wasm");
    expect(await page.evaluate(() => [crossOriginIsolated, document.title])).toEqual([
      true,
      "Tessera playground",
    ]);
    const gzipped = async (): Promise<number> => {
      const own = loaded.filter((response) => response.url().startsWith(site.address));
      const bodies = await Promise.all(own.map((response) => response.body()));
      return bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
    };
    expect(await gzipped()).toBeLessThan(80_000);
    await visit.train();
    expect(await gzipped()).toBeLessThan(400_000);
    // What only some visitors ask for comes when they do.
    const names = loaded.map((response) => response.url());
    expect(names.filter((name) => /umap|parquet|arrow/.test(name))).toEqual([]);
  });

  it.each(LESSONS)(
    "learns %s by %s in wasm",
    async (data, settings, most) => {
      await visit.open(`#data=${data}&${settings}&seed=1&speed=full&backend=wasm`);
      await visit.train();
      const share = await visit.lost();
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThan(most);
    },
    PATIENCE_MS,
  );

  it(
    "learns each sample on WebGPU, on a software adapter",
    async ({ skip }) => {
      const { page } = visit;
      await visit.open("");
      const adapter = await page.evaluate(
        async () => (await navigator.gpu?.requestAdapter()) !== null,
      );
      skip(!adapter, "this Chromium offers no WebGPU adapter");
      await page.goto("about:blank");
      // One page for all of them: its worker compiles each program once.
      for (const [data, settings, most] of LESSONS_OF_GPU) {
        await page.goto(
          `${site.address}#data=${data}&${settings}&seed=1&speed=full&backend=webgpu`,
        );
        // The button waits for the data.
        await page.getByText("Not started.").waitFor();
        await visit.train();
        const share = await visit.lost();
        expect(share, data).toBeGreaterThan(0);
        expect(share, data).toBeLessThan(most);
        expect(await page.getByText(/swiftshader/i).count(), data).toBeGreaterThan(0);
      }
    },
    PATIENCE_MS,
  );

  it("gives the same codes to whoever opens the link", async () => {
    const { page } = visit;
    await visit.open("#data=blobs&points=300&spec=vq4%2Bvq4&seed=7&speed=full");
    await visit.train();
    const codes = await visit.saved("Codes");
    await page.getByRole("button", { name: "Copy link" }).click();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    await page.goto("about:blank");
    await page.goto(link);
    await page.getByText(/rows of 2 values/).waitFor();
    await visit.train();
    expect((await visit.saved("Codes")).equals(codes)).toBe(true);
  });

  it("is a figure in another page where the address says so", async () => {
    const { page } = visit;
    await page.goto(`${site.address}#data=moons&points=300&spec=vq4&seed=7&speed=full&embed=yes`);
    await visit.train();
    await page.getByRole("heading", { name: "Map: rows" }).waitFor();
    expect(await page.getByRole("heading", { level: 2 }).count()).toBe(1);
    const whole = page.getByRole("link", { name: "open in the playground" });
    expect(await whole.getAttribute("href")).toBe(
      "#data=moons&points=300&spec=vq4&seed=7&speed=full",
    );
  });

  it("pauses, steps and goes on, and ends as if it had not", async () => {
    const { page } = visit;
    await visit.open("#data=moons&points=300&spec=vq8&seed=3&speed=full");
    await visit.train();
    const codes = await visit.saved("Codes");
    await page.getByRole("button", { name: "Reset" }).click();
    await page.getByRole("button", { name: "Step" }).click();
    await page.getByText(/^Paused/).waitFor();
    const before = await page.locator(".figures").innerText();
    await page.getByRole("button", { name: "Step" }).click();
    await expect
      .poll(() => page.locator(".figures").innerText(), { timeout: 10_000 })
      .not.toBe(before);
    await page.getByText(/^Paused/).waitFor();
    await page.getByRole("button", { name: "Go on" }).click();
    await visit.trained();
    expect((await visit.saved("Codes")).equals(codes)).toBe(true);
  });

  it("gives a model with which the command makes the same codes", async () => {
    await visit.open("#data=moons&points=300&spec=rq2x8&seed=2&speed=full");
    await visit.train();
    const { folder } = site;
    const files = { data: join(folder, "moons.npy"), model: join(folder, "model.safetensors") };
    const codes = join(folder, "codes.npy");
    await writeFile(files.data, await visit.saved("Data"));
    await writeFile(files.model, await visit.saved("Model"));
    const silent = { write: () => undefined };
    const status = await run(["encode", files.data, "--model", files.model, "--out", codes], {
      stdout: silent,
      stderr: silent,
      env: {},
      signal: new AbortController().signal,
    });
    expect(status).toBe(0);
    const own = decodeNpy(await visit.saved("Codes"));
    const theirs = decodeNpy(await readFile(codes));
    expect(theirs.shape).toEqual(own.shape);
    expect(Array.from(theirs.data, Number)).toEqual(Array.from(own.data, Number));
    const { ids, items } = readIds((await visit.saved("Semantic IDs")).toString());
    expect(items).toHaveLength(300);
    expect([...ids.id(0)].slice(0, 2)).toEqual(Array.from(own.data, Number).slice(0, 2));
  });

  it("says what is wrong with a file or a model, and stays as it was", async () => {
    const { page } = visit;
    await visit.open("#data=moons&points=300&spec=vq8&seed=3&speed=full");
    // Dropped beside the panel of the data: the page takes it wherever it falls.
    const dropped = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["this is not an array"], "bad.npy"));
      return transfer;
    });
    await page.dispatchEvent("h1", "drop", { dataTransfer: dropped });
    await page
      .getByRole("alert")
      .getByText(/bad\.npy/)
      .waitFor();
    await page.getByText("moons: 300 rows of 2 values").waitFor();
    await page.locator('input[type="file"]').setInputFiles({
      name: "good.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(
        Array.from({ length: 40 }, (_, i) => `${i % 5},${i % 7},${i % 3}`).join("\n"),
      ),
    });
    await page.getByText("good.csv: 40 rows of 3 values").waitFor();
    const spec = page.getByLabel("Quantizer, as an expression");
    await spec.fill("vq8+vqq4");
    await page.getByText("^").waitFor();
    expect(await page.getByRole("button", { name: "Train", exact: true }).isDisabled()).toBe(true);
    await spec.fill("vq64");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByRole("alert").getByText(/64/).waitFor();
    await spec.fill("vq4");
    await visit.train();
    expect(page.url()).toMatch(/data=file&.*spec=vq4&/);
  });
});
