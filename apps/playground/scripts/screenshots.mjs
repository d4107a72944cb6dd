// Takes the pictures of the built page that the READMEs show: node scripts/screenshots.mjs [CHROMIUM]
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { preview } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = fileURLToPath(new URL("../../../docs/public/playground-pictures/", import.meta.url));
const executablePath = process.argv[2] ?? "/usr/bin/chromium";

const PICTURES = [
  { name: "spiral", hash: "#data=spiral&spec=ae(32,16,2)>rq2x8&seed=1&steps=1500&speed=full" },
  {
    name: "digits",
    hash: "#data=digits&spec=ae(256,64,16)>rq3x32&seed=1&steps=600&speed=full",
    colorScheme: "dark",
    height: 1300,
  },
  {
    name: "words-umap",
    hash: "#data=words&spec=rq3x64&seed=1&speed=full&map=umap",
    item: "music",
    height: 1300,
  },
  {
    name: "moons-narrow",
    hash: "#data=moons&spec=rq2x8&seed=1&speed=full",
    width: 360,
    height: 1500,
  },
  {
    name: "mistake-narrow",
    hash: "#data=rings&spec=vq12%2Bvqq12&seed=1",
    width: 360,
    height: 1300,
    colorScheme: "dark",
    mistaken: true,
  },
];

await mkdir(folder, { recursive: true });
const server = await preview({ root, preview: { port: 0 }, logLevel: "error" });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
for (const picture of PICTURES) {
  const { name, hash, width = 1280, height = 860, colorScheme = "light" } = picture;
  // At rest while the picture is taken.
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme,
    reducedMotion: "reduce",
  });
  await page.goto(server.resolvedUrls.local[0] + hash);
  await page.getByText(/rows of \d+ values/).waitFor();
  if (!picture.mistaken) await train(page, picture.item);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `${folder}${name}.png` });
  await page.close();
}
await browser.close();
await server.close();

/** Trains, and chooses an item by its name if there is one to choose. */
async function train(page, item) {
  await page.getByRole("button", { name: "Train", exact: true }).click();
  await page.getByText(/^Trained in/).waitFor({ timeout: 300_000 });
  await page
    .getByRole("progressbar", { name: "UMAP" })
    .waitFor({ state: "hidden", timeout: 300_000 });
  if (item) {
    await page.getByLabel("find an item").fill(item);
    await page.getByRole("button", { name: item, exact: true }).click();
    await page.getByText("Nearest by code").waitFor();
  }
  // The map of the model comes after it.
  await page.waitForTimeout(1000);
}
