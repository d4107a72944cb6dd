import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright-core";
import { build, preview } from "vite";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = CHROMIUM.find((path) => existsSync(path));

/** Why there is no browser, if there is none. */
export const noBrowser =
  executablePath === undefined
    ? "there is no Chromium; on Debian: apt-get install chromium"
    : undefined;

/** A GPU that a CPU simulates takes a while. */
const RUN_MS = 240_000;
const ROOT = fileURLToPath(new URL("../web/", import.meta.url));

export interface WebPage {
  /** Opens the page and waits for its end. */
  run(query: string): Promise<Page>;
  close(): Promise<void>;
}

/**
 * Builds the page, serves it and starts a browser.
 *
 * @param outDir where the build goes
 */
export async function openWebPage(outDir: string): Promise<WebPage> {
  const options = { root: ROOT, configFile: `${ROOT}vite.config.ts`, logLevel: "error" } as const;
  await build({ ...options, build: { outDir, emptyOutDir: true } });
  const server = await preview({ ...options, build: { outDir }, preview: { port: 0 } });
  const browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: ["--no-sandbox", "--enable-unsafe-webgpu"],
  });
  return {
    async run(query) {
      const page = await browser.newPage();
      await page.goto(`${server.resolvedUrls?.local[0]}${query}`);
      await page.waitForSelector("html:not([data-state=working])", { timeout: RUN_MS });
      return page;
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** The bytes of a file that the page offers. */
export async function fileOf(page: Page, name: string): Promise<Buffer> {
  const bytes = await page.$eval(`a[download="${name}"]`, async (link) => {
    const response = await fetch((link as HTMLAnchorElement).href);
    return [...new Uint8Array(await response.arrayBuffer())];
  });
  return Buffer.from(bytes);
}
