// How long the pages of the built site take to their first paint, and what they load for it, with nothing cached:
//
//   npm run docs && node docs/.vitepress/built/first-paint.mjs [CHROMIUM]
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./serve.mjs";

const PAGES = [
  "/",
  "/guides/first-ids.html",
  "/guides/from-vq-to-rqvae.html",
  "/api/@tessera/rq.html",
];
const ROUNDS = 7;

const server = await serve(fileURLToPath(new URL("../../../out/docs/", import.meta.url)));
const executablePath = process.argv[2] ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
for (const path of PAGES) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await visit(server.address + path));
  const paints = rounds.map(({ paint }) => paint).sort((a, b) => a - b);
  const [least, median, most] = [0, (ROUNDS - 1) / 2, ROUNDS - 1].map((i) => Math.round(paints[i]));
  const kilobytes = (rounds[0].bytes / 1000).toFixed(0);
  console.log(`${path.padEnd(32)} ${median} ms (${least} to ${most}), ${kilobytes} kB zipped`);
}
await browser.close();
server.close();

/** A visit by a browser that has seen nothing before: milliseconds to the first content, and bytes of the page and its files. */
async function visit(address) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address, { waitUntil: "networkidle" });
  const figures = await page.evaluate(() => {
    const entries = [
      ...performance.getEntriesByType("navigation"),
      ...performance.getEntriesByType("resource"),
    ];
    return {
      paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
      bytes: entries.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    };
  });
  await context.close();
  return figures;
}
