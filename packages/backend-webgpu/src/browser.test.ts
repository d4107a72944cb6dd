import { existsSync, readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../test/page.js";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = CHROMIUM.find((path) => existsSync(path));
const obstacle =
  executablePath === undefined
    ? "there is no Chromium; on Debian: apt-get install chromium"
    : undefined;
const TIMEOUT_MS = 600_000;

const packages = fileURLToPath(new URL("../../", import.meta.url));

/** The page's script, from the sources. */
async function bundle(): Promise<string> {
  const alias = Object.fromEntries(
    readdirSync(packages).map((name) => [`@tessera/${name}`, `${packages}${name}/src/index.ts`]),
  );
  for (const entry of ["arguments", "authoring"]) {
    alias[`@tessera/core/${entry}`] = `${packages}core/src/${entry}/index.ts`;
  }
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../test/page.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    write: false,
    alias,
    external: ["node:*"],
  });
  return outputFiles[0]!.text;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

describe.skipIf(obstacle)(`Chromium${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  let server: Server;
  let outcome: Promise<string>;
  let browser: Browser | undefined;

  beforeAll(async () => {
    const script = await bundle();
    outcome = new Promise((resolve) => {
      server = createServer((request, response) => {
        if (request.method === "POST") void bodyOf(request).then(resolve);
        const isScript = request.url === "/page.js";
        response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
        response.end(isScript ? script : '<script type="module" src="/page.js"></script>');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ["--no-sandbox", "--enable-unsafe-webgpu"],
    });
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
  }, TIMEOUT_MS);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it(
    "passes the conformance suite",
    async ({ skip }) => {
      const { obstacle, device, passed, failures } = JSON.parse(await outcome) as Outcome;
      skip(obstacle !== undefined, obstacle);
      expect(failures).toEqual([]);
      expect(device).toBeTypeOf("string");
      expect(passed).toBeGreaterThan(70);
    },
    TIMEOUT_MS,
  );
});
