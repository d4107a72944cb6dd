import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { run } from "@tessera/cli";
import { decodeNpy } from "@tessera/io";
import { readIds } from "@tessera/semantic-ids";
import { type Browser, chromium, type Page } from "playwright-core";
import { build, preview, type PreviewServer } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = CHROMIUM.find((path) => existsSync(path));
const why =
  executablePath === undefined
    ? " (there is no Chromium; on Debian: apt-get install chromium)"
    : "";
const root = fileURLToPath(new URL("..", import.meta.url));
const packages = fileURLToPath(new URL("../../../packages/", import.meta.url));
/** Software adapters and machines that are busy take their time. */
const PATIENCE_MS = 240_000;

describe.skipIf(executablePath === undefined)(`the playground in Chromium${why}`, () => {
  let folder: string;
  let server: PreviewServer;
  let browser: Browser;
  let page: Page;
  let address: string;
  /** What the page complained of. */
  let complaints: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tessera-playground-"));
    execFileSync(process.execPath, [join(root, "scripts", "prepare-data.mjs")]);
    // The sources, so that no stale build can pass or fail.
    const alias = (await readdir(packages)).map((name) => ({
      find: new RegExp(`^@tessera/${name}$`),
      replacement: `${packages}${name}/src/index.ts`,
    }));
    const outDir = join(folder, "site");
    await build({
      root,
      logLevel: "error",
      resolve: { alias },
      build: { outDir, emptyOutDir: true },
    });
    server = await preview({ root, logLevel: "error", build: { outDir }, preview: { port: 0 } });
    address = server.resolvedUrls!.local[0]!;
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ["--no-sandbox", "--enable-unsafe-webgpu"],
    });
  }, PATIENCE_MS);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    const context = await browser.newContext({
      permissions: ["clipboard-read", "clipboard-write"],
    });
    page = await context.newPage();
    complaints = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
  });

  afterEach(async () => {
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  const open = async (hash: string): Promise<void> => {
    await page.goto(`${address}${hash}`);
    await page.getByText(/rows of \d+ values/).waitFor();
  };
  const trained = () => page.getByText(/^Trained in/).waitFor({ timeout: PATIENCE_MS });
  const train = async (): Promise<void> => {
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await trained();
  };
  /** Share of the variance that the last run of the table lost. */
  const lost = async (): Promise<number> => {
    const text = await page.getByRole("row").last().getByRole("cell").last().innerText();
    return Number.parseFloat(text) / 100;
  };
  const saved = async (button: string): Promise<Buffer> => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: button, exact: true }).click(),
    ]);
    return readFile(await download.path());
  };

  it("is small, and shows itself before there are data", async () => {
    const assets = join(folder, "site", "assets");
    let bytes = 0;
    for (const name of await readdir(assets))
      bytes += gzipSync(await readFile(join(assets, name))).length;
    expect(bytes).toBeLessThan(400_000);
    await open("");
    expect(await page.evaluate(() => [crossOriginIsolated, document.title])).toEqual([
      true,
      "Tessera playground",
    ]);
  });

  it.each([
    ["moons", "rq2x8", 0.013],
    ["blobs", "vq16", 0.014],
    ["rings", "vq12+vq12", 0.012],
    ["spiral", "ae(32,16,2)>rq2x8&steps=400&pretraining=200", 0.25],
    ["emoji", "vq16+vq64", 0.56],
    ["words", "rq2x32", 0.72],
    ["digits", "pq4x32", 0.5],
  ])(
    "learns %s by %s in wasm",
    async (data, spec, most) => {
      await open(`#data=${data}&spec=${spec}&seed=1&speed=full&backend=wasm`);
      await train();
      const share = await lost();
      expect(share).toBeGreaterThan(0);
      expect(share).toBeLessThan(most);
    },
    PATIENCE_MS,
  );

  it(
    "learns on WebGPU, on a software adapter, what it learns in wasm",
    async ({ skip }) => {
      await open("#data=moons&points=400&spec=rq2x8&seed=1&speed=full&backend=webgpu");
      const adapter = await page.evaluate(
        async () => (await navigator.gpu?.requestAdapter()) !== null,
      );
      skip(!adapter, "this Chromium offers no WebGPU adapter");
      await train();
      expect(await lost()).toBeLessThan(0.013);
      expect(await page.getByText(/swiftshader/i).count()).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );

  it("gives the same codes to whoever opens the link", async () => {
    await open("#data=blobs&points=300&spec=vq4%2Bvq4&seed=7&speed=full");
    await train();
    const codes = await saved("Codes");
    await page.getByRole("button", { name: "Copy link" }).click();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    await page.goto("about:blank");
    await page.goto(link);
    await page.getByText(/rows of 2 values/).waitFor();
    await train();
    expect((await saved("Codes")).equals(codes)).toBe(true);
  });

  it("is a figure in another page where the address says so", async () => {
    await page.goto(`${address}#data=moons&points=300&spec=vq4&seed=7&speed=full&embed=yes`);
    await train();
    await page.getByRole("heading", { name: "Map: rows" }).waitFor();
    expect(await page.getByRole("heading").count()).toBe(1);
    const whole = await page.getByRole("link", { name: "open in the playground" });
    expect(await whole.getAttribute("href")).toBe(
      "#data=moons&points=300&spec=vq4&seed=7&speed=full",
    );
  });

  it("pauses, steps and goes on, and ends as if it had not", async () => {
    await open("#data=moons&points=300&spec=vq8&seed=3&speed=full");
    await train();
    const codes = await saved("Codes");
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
    await trained();
    expect((await saved("Codes")).equals(codes)).toBe(true);
  });

  it("gives a model with which the command makes the same codes", async () => {
    await open("#data=moons&points=300&spec=rq2x8&seed=2&speed=full");
    await train();
    const files = { data: join(folder, "moons.npy"), model: join(folder, "model.safetensors") };
    const codes = join(folder, "codes.npy");
    await writeFile(files.data, await saved("Data"));
    await writeFile(files.model, await saved("Model"));
    const silent = { write: () => undefined };
    const status = await run(["encode", files.data, "--model", files.model, "--out", codes], {
      stdout: silent,
      stderr: silent,
      env: {},
      signal: new AbortController().signal,
    });
    expect(status).toBe(0);
    const own = decodeNpy(await saved("Codes"));
    const theirs = decodeNpy(await readFile(codes));
    expect(theirs.shape).toEqual(own.shape);
    expect(Array.from(theirs.data, Number)).toEqual(Array.from(own.data, Number));
    const { ids, items } = readIds((await saved("Semantic IDs")).toString());
    expect(items).toHaveLength(300);
    expect([...ids.id(0)].slice(0, 2)).toEqual(Array.from(own.data, Number).slice(0, 2));
  });

  it("says what is wrong with a file or a model, and stays as it was", async () => {
    await open("#data=moons&points=300&spec=vq8&seed=3&speed=full");
    const drop = async (name: string, content: string): Promise<void> => {
      await page.locator('input[type="file"]').setInputFiles({
        name,
        mimeType: "text/plain",
        buffer: Buffer.from(content),
      });
    };
    await drop("bad.npy", "this is not an array");
    await page
      .getByRole("alert")
      .getByText(/bad\.npy/)
      .waitFor();
    await page.getByText("moons: 300 rows of 2 values").waitFor();
    await drop(
      "good.csv",
      Array.from({ length: 40 }, (_, i) => `${i % 5},${i % 7},${i % 3}`).join("\n"),
    );
    await page.getByText("good.csv: 40 rows of 3 values").waitFor();
    const spec = page.getByLabel("Quantizer, as an expression");
    await spec.fill("vq8+vqq4");
    await page.getByText("^").waitFor();
    expect(await page.getByRole("button", { name: "Train", exact: true }).isDisabled()).toBe(true);
    await spec.fill("vq64");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByRole("alert").getByText(/64/).waitFor();
    await spec.fill("vq4");
    await train();
    expect(page.url()).toMatch(/data=file&.*spec=vq4&/);
  });

  it("can be used by everybody, small or large, light or dark", async () => {
    const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
    for (const [width, colorScheme] of [
      [360, "light"],
      [3840, "dark"],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await open(`#data=blobs&points=300&spec=vq4%2Bvq4&seed=${width}&speed=full`);
      await train();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
        width,
      );
      await page.addScriptTag({ path: axe });
      const found = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
        const { violations } = await axe.run();
        return violations
          .filter(({ impact }) => impact === "serious" || impact === "critical")
          .map(
            ({ id, nodes }) =>
              `${id}: ${nodes
                .map(({ html }) => html)
                .join(" ")
                .slice(0, 300)}`,
          );
      });
      expect(found).toEqual([]);
    }
  });
});

/** As much of axe-core's answer as is looked at. */
interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}
