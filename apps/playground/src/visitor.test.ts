import { createRequire } from "node:module";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { missing, PATIENCE_MS, Site, Visit } from "./testing/site.js";

/** More presses of Tab than the page has places for. */
const MANY = 100;

describe.skipIf(missing !== "")(`a visitor of the playground in Chromium${missing}`, () => {
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

  /** Goes on by Tab to what is called so, and sees at each place where it is. */
  const tabTo = async (name: string): Promise<void> => {
    const { page } = visit;
    for (let presses = 0; presses < MANY; presses++) {
      await page.keyboard.press("Tab");
      const [found, outline] = await page.evaluate(() => {
        const { activeElement: at } = document;
        if (!at || at === document.body) return ["", "none"];
        const labels = (at as HTMLInputElement).labels ?? [];
        const called = at.getAttribute("aria-label") ?? labels[0]?.textContent ?? at.textContent;
        return [called, getComputedStyle(at).outlineStyle];
      });
      if (found !== "") expect(outline, `the outline of ${found}`).not.toBe("none");
      if (found === name) return;
    }
    throw new Error(`Tab does not come by ${name}`);
  };

  it("needs no mouse", async () => {
    const { page } = visit;
    const { keyboard } = page;
    await visit.open("#data=moons&points=300&seed=1");
    await tabTo("Blobs");
    await keyboard.press("Enter");
    await page.getByText("blobs: 300 rows of 2 values").waitFor();
    await tabTo("Quantizer, as an expression");
    await keyboard.press("Control+A");
    await keyboard.type("vq4+vq4+vq");
    await page.getByText("^").waitFor();
    await keyboard.type("4");
    await tabTo("Train");
    await keyboard.press("Enter");
    // The same place has the next thing to do.
    await page.getByRole("button", { name: "Pause", exact: true, disabled: false }).waitFor();
    await keyboard.press("Enter");
    await page.getByText(/^Paused/).waitFor();
    await keyboard.press("Enter");
    await visit.trained();
    await tabTo("2");
    await keyboard.press("Space");
    await page.getByRole("heading", { name: "Map: what level 1 leaves" }).waitFor();
    await tabTo("find an item");
    await keyboard.type("row 17");
    await tabTo("row 17");
    await keyboard.press("Enter");
    await page.getByRole("heading", { name: "Nearest by code" }).waitFor();
    await page.getByRole("status").getByText("row 17").waitFor();
  });

  it("reads what a map shows", async () => {
    const { page } = visit;
    await visit.open("#data=blobs&points=300&spec=vq4&seed=1&speed=full");
    await visit.train();
    await page.getByRole("img", { name: /^Map of 300 points, rows: 4 codewords, 0 of/ }).waitFor();
    await page.getByText("The same as a table").click();
    const codes = page.getByRole("group", { name: "Codes of the map" }).getByRole("row");
    const counts = await codes.locator("td:nth-child(2)").allInnerTexts();
    expect(counts).toHaveLength(4);
    expect(counts.reduce((sum, count) => sum + Number(count), 0)).toBe(300);
  });

  it("is not told of every step", async () => {
    const { page } = visit;
    await visit.open("#data=moons&points=300&spec=vq4%2Bvq4&iterations=6&seed=1&speed=slow");
    await page.evaluate(() => {
      const said: string[] = [];
      Object.assign(globalThis, { said });
      const status = document.querySelector("[role=status].status")!;
      const look = (): unknown => said.push(status.textContent ?? "");
      new MutationObserver(look).observe(status, { subtree: true, characterData: true });
    });
    await visit.train();
    const said = await page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
    expect(said.at(-1)).toMatch(/^Trained in/);
    // Starting, the two levels and the end, not their twelve iterations.
    expect(said.length).toBeGreaterThan(2);
    expect(said.length).toBeLessThan(8);
  });

  it("sees no motion who wants none", async () => {
    const { page } = visit;
    const titles = async (reducedMotion: "reduce" | "no-preference"): Promise<string[]> => {
      await page.emulateMedia({ reducedMotion });
      await visit.open("#data=moons&points=300&spec=vq4%2Bvq4&iterations=3&seed=1&speed=slow");
      await page.reload();
      await page.evaluate(() => {
        const seen: string[] = [];
        Object.assign(globalThis, { seen });
        const title = document.querySelector("#map-title")!;
        const look = (): unknown => seen.push(title.textContent ?? "");
        new MutationObserver(look).observe(title, {
          subtree: true,
          characterData: true,
          childList: true,
        });
      });
      await visit.train();
      await page.getByRole("heading", { name: "Map: rows" }).waitFor();
      return page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
    };
    expect(await titles("no-preference")).toContain("Map: level 1");
    expect(await titles("reduce")).toEqual(["Map: rows"]);
  });

  it("lays rows out by UMAP, and can end that", async () => {
    const { page } = visit;
    const map = page.getByRole("region", { name: /^Map/ });
    await visit.open("#data=words&spec=vq8&iterations=3&seed=1&speed=full&map=umap");
    await map.getByRole("button", { name: "Cancel" }).click();
    await map.getByRole("button", { name: "PCA", pressed: true }).waitFor();
    expect(await map.getByRole("progressbar").count()).toBe(0);
    expect(page.url()).not.toContain("map=");
    await page.locator('input[type="file"]').setInputFiles({
      name: "three.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(
        Array.from({ length: 90 }, (_, i) => `${9 * (i % 3)},${i % 7},${i % 5},${i % 4}`).join(
          "\n",
        ),
      ),
    });
    await page.getByText("three.csv: 90 rows of 4 values").waitFor();
    await page.getByLabel("Quantizer, as an expression").fill("vq3+vq4");
    await map.getByRole("button", { name: "UMAP" }).click();
    await expect.poll(() => map.getByRole("progressbar").count(), { timeout: 60_000 }).toBe(0);
    await visit.train();
    const heading = page.getByRole("heading", { name: "Map: rows, coloured by their codes" });
    await heading.waitFor();
    await map.getByRole("img", { name: /: 3 codewords, 0 of them/ }).waitFor();
    // Corrections have no place among the rows.
    await map.getByRole("button", { name: "2", exact: true }).click();
    await map.getByRole("img", { name: /: 0 codewords/ }).waitFor();
  });

  it("can use it small or large, light or dark", async () => {
    const { page } = visit;
    const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
    for (const [width, colorScheme] of [
      [360, "light"],
      [3840, "dark"],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await visit.open(`#data=blobs&points=300&spec=vq4%2Bvq4&seed=${width}&speed=full`);
      await visit.train();
      await page.getByText("The same as a table").click();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
        width,
      );
      await page.addScriptTag({ path: axe });
      const found = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
        const { violations } = await axe.run();
        return violations.map(
          ({ id, impact, nodes }) =>
            `${id} (${impact}): ${nodes
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
