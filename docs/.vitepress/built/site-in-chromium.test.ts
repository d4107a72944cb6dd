import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromium as found } from "../../../scripts/browsers/find.js";
import { builtPages, deadLinks, SITE, whyNoSite } from "./files.js";
import { serve } from "./serve.mjs";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const noSite = whyNoSite();
const noBrowser = noSite ?? ("obstacle" in found ? found.obstacle : undefined);
const named = (name: string, reason: string | undefined): string =>
  reason === undefined ? name : `${name} (${reason})`;
/** One page of each kind, which is looked at with all that stands around it. */
const WHOLE = new Set([
  "/404.html",
  "/index.html",
  "/guides/algebra.html",
  "/api/index.html",
  "/decisions/index.html",
]);
/** What readers look for, and where the first that is found must be. */
const WORDS = [
  ["residual", "/guides/"],
  ["Semantic ID", "/guides/"],
  ["collision", "/guides/"],
  ["perplexity", "/guides/"],
  ["faiss", "/guides/"],
  ["RaBitQ", "/api/@tessera/binary"],
  ["recall", "/guides/"],
  ["WebGPU", "/"],
  ["nprobe", "/"],
  ["fitRq", "/api/"],
] as const;
/** Machines that are busy take their time. */
const PATIENCE_MS = 240_000;

describe.skipIf(noSite !== undefined)(named("the built site", noSite), () => {
  it("has no dead link", () => {
    const dead = builtPages().map((page) => [page, deadLinks(page)] as const);
    expect(dead.filter(([, links]) => links.length > 0)).toEqual([]);
  });
});

describe.skipIf(noBrowser !== undefined)(named("the built site in Chromium", noBrowser), () => {
  let server: Awaited<ReturnType<typeof serve>>;
  let browser: Browser;

  beforeAll(async () => {
    server = await serve(SITE);
    browser = await chromium.launch({
      ...("path" in found && { executablePath: found.path }),
      args: ["--no-sandbox"],
    });
  }, PATIENCE_MS);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it(
    "has no serious finding of axe-core in light and dark, no console error and no other host on any page",
    async () => {
      const queue = builtPages();
      const complaints: string[] = [];
      const look = async (): Promise<void> => {
        const page = await watched(complaints);
        for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
          const found = await findingsOn(page, path);
          complaints.push(...found.map((text) => `${path}: ${text}`));
        }
      };
      await Promise.all([look(), look()]);
      expect(complaints).toEqual([]);
    },
    PATIENCE_MS,
  );

  it(
    "is not wider than a phone",
    async () => {
      const page = await browser.newPage({ viewport: { width: 360, height: 640 } });
      const wide: string[] = [];
      for (const path of builtPages().filter((one) => !/^\/(?:api|decisions)\/./.test(one))) {
        await page.goto(server.address + path, { waitUntil: "domcontentloaded" });
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > 360) wide.push(`${path}: ${width}`);
      }
      expect(wide).toEqual([]);
    },
    PATIENCE_MS,
  );

  it(
    "finds the field's words, and guides before the reference",
    async () => {
      const page = await browser.newPage();
      await page.goto(`${server.address}/guides/first-ids.html`);
      await page.getByRole("button", { name: "Search Ctrl K" }).click();
      const lost: string[] = [];
      const results = page.locator(".result");
      for (const [word, place] of WORDS) {
        await page.getByRole("searchbox").fill("");
        await results.first().waitFor({ state: "detached" });
        await page.getByRole("searchbox").fill(word);
        await results.first().waitFor();
        const found = (await results.first().getAttribute("href")) ?? "";
        if (!found.startsWith(place)) lost.push(`${word}: ${found}`);
      }
      expect(lost).toEqual([]);
    },
    PATIENCE_MS,
  );

  /** A page whose errors and requests to other hosts become complaints. */
  async function watched(complaints: string[]): Promise<Page> {
    const context = await browser.newContext({ reducedMotion: "reduce" });
    await context.addInitScript({ path: axe });
    const page = await context.newPage();
    const complain = (text: string) => complaints.push(`${page.url()}: ${text}`);
    page.on("console", (message) => {
      if (message.type() === "error") complain(message.text());
    });
    page.on("pageerror", (error) => complain(error.message));
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol.startsWith("http") && origin !== server.address)
        complain(`asks ${request.url()}`);
    });
    return page;
  }

  /**
   * Serious findings on a page. What darkness changes is contrast alone, and what stands around the content is the same on all
   * pages of a section. Of long code and of the long pages that TypeDoc makes by a few templates, the beginning is looked at.
   */
  async function findingsOn(page: Page, path: string): Promise<string[]> {
    await page.goto(server.address + path);
    const context = WHOLE.has(path) ? "html" : ".VPContent";
    return page.evaluate(async (within) => {
      for (const [list, most] of [
        ["pre code", 6],
        [".vp-doc > div", 60],
        [".vp-doc tbody", 6],
      ] as const) {
        for (const { children } of document.querySelectorAll(list)) {
          for (const child of [...children].slice(most)) child.remove();
        }
      }
      const { axe } = globalThis as unknown as { axe: Axe };
      const options = { iframes: false, resultTypes: ["violations"] };
      const light = await axe.run(within, options);
      document.documentElement.classList.add("dark");
      const dark = await axe.run(within, { ...options, runOnly: ["color-contrast"] });
      return [...light.violations, ...dark.violations]
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`.slice(0, 400));
    }, context);
  }
});

/** As much of axe-core as is used. */
interface Axe {
  run(
    context: string,
    options: { iframes: boolean; resultTypes: string[]; runOnly?: string[] },
  ): Promise<{
    readonly violations: readonly {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
  }>;
}
