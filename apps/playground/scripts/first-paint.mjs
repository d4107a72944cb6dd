// How soon the built page is seen, and how much it loads before data: node scripts/first-paint.mjs [LOADS] [CHROMIUM]
// Each load is a cold one: a browser of its own, with nothing cached.
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { preview } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const loads = Number(process.argv[2] ?? 15);
const executablePath = process.argv[3] ?? "/usr/bin/chromium";

const server = await preview({ root, preview: { port: 0 }, logLevel: "error" });
const address = server.resolvedUrls.local[0];
const times = { paint: [], data: [] };
/** Bytes, gzipped. */
const size = { first: 0, run: 0 };
for (let load = 0; load < loads; load++) {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const page = await browser.newPage();
  const bodies = [];
  page.on("response", (response) => {
    // Not the wasm that a worker gives to its threads.
    if (response.url().startsWith(address)) bodies.push(response.body());
  });
  await page.goto(address);
  await page.getByText(/rows of \d+ values/).waitFor();
  times.data.push(await page.evaluate(() => performance.now()));
  times.paint.push(await page.evaluate(firstPaint));
  size.first = await gzipped(bodies);
  if (load === loads - 1) {
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByText(/^Trained in/).waitFor({ timeout: 300_000 });
    size.run = await gzipped(bodies);
  }
  await browser.close();
}
await server.close();

console.log(`first contentful paint, median of ${loads} cold loads: ${median(times.paint)} ms`);
console.log(`the slowest: ${Math.round(Math.max(...times.paint))} ms`);
console.log(`the data are there after, median: ${median(times.data)} ms`);
console.log(`loaded before data: ${kilobytes(size.first)} gzipped`);
console.log(`once a model is trained: ${kilobytes(size.run)}`);

async function gzipped(bodies) {
  const all = await Promise.all(bodies);
  return all.reduce((sum, body) => sum + gzipSync(body).length, 0);
}

/** In the page: milliseconds from the start of its navigation. */
function firstPaint() {
  return new Promise((resolve) => {
    new PerformanceObserver((list) => {
      for (const { name, startTime } of list.getEntries()) {
        if (name === "first-contentful-paint") resolve(startTime);
      }
    }).observe({ type: "paint", buffered: true });
  });
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)]);
}

function kilobytes(count) {
  return `${Math.round(count / 1000)} kB`;
}
