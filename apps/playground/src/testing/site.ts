import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { build, preview, type PreviewServer } from "vite";
import { expect } from "vitest";
import { chromium as found } from "../../../../scripts/browsers/find.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const packages = fileURLToPath(new URL("../../../../packages/", import.meta.url));

/** What is missing for tests in a browser, as a part of their title; empty if nothing is. */
export const missing = "obstacle" in found ? ` (${found.obstacle})` : "";
/** Software adapters and machines that are busy take their time. */
export const PATIENCE_MS = 240_000;

/** The page, built and served, and a browser to open it in. */
export class Site {
  /** What tests may write into. */
  readonly folder: string;
  readonly address: string;
  readonly browser: Browser;
  readonly #server: PreviewServer;

  private constructor(folder: string, server: PreviewServer, browser: Browser) {
    this.folder = folder;
    this.#server = server;
    this.address = server.resolvedUrls!.local[0]!;
    this.browser = browser;
  }

  static async start(): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), "tessera-playground-"));
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
    const server = await preview({
      root,
      logLevel: "error",
      build: { outDir },
      preview: { port: 0 },
    });
    const browser = await chromium.launch({
      ...("path" in found && { executablePath: found.path }),
      args: ["--no-sandbox", "--enable-unsafe-webgpu"],
    });
    return new Site(folder, server, browser);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.#server.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A visitor's way about one page. */
export class Visit {
  readonly page: Page;
  readonly #site: Site;
  /** What the page complained of. */
  readonly #complaints: string[] = [];

  private constructor(site: Site, page: Page) {
    this.#site = site;
    this.page = page;
    page.on("console", (message) => {
      if (message.type() === "error") this.#complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.#complaints.push(error.message));
  }

  static async begin(site: Site): Promise<Visit> {
    const context = await site.browser.newContext({
      permissions: ["clipboard-read", "clipboard-write"],
    });
    return new Visit(site, await context.newPage());
  }

  /** The console of a page that works is silent. */
  async end(): Promise<void> {
    await this.page.context().close();
    expect(this.#complaints).toEqual([]);
  }

  async open(hash: string): Promise<void> {
    await this.page.goto(`${this.#site.address}${hash}`);
    await this.page.getByText(/rows of \d+ values/).waitFor();
  }

  async trained(): Promise<void> {
    const failed = this.page.getByRole("alert");
    await this.page
      .getByText(/^Trained in/)
      .or(failed)
      .waitFor({ timeout: PATIENCE_MS });
    if ((await failed.count()) > 0) throw new Error(await failed.innerText());
  }

  async train(): Promise<void> {
    await this.page.getByRole("button", { name: "Train", exact: true }).click();
    await this.trained();
  }

  /** Share of the variance that the last run lost. */
  async lost(): Promise<number> {
    const runs = this.page.getByRole("region", { name: "Rate and distortion" }).getByRole("row");
    const text = await runs.last().getByRole("cell").last().innerText();
    return Number.parseFloat(text) / 100;
  }

  /** The file that a button gives. */
  async saved(button: string): Promise<Buffer> {
    const [download] = await Promise.all([
      this.page.waitForEvent("download"),
      this.page.getByRole("button", { name: button, exact: true }).click(),
    ]);
    return readFile(await download.path());
  }
}
