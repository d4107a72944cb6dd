import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";

const panels = new URL("../panels/", import.meta.url);
const guides = new URL("../../../../docs/guides/", import.meta.url);

describe("what panels link to", () => {
  it("is there", async () => {
    let links = 0;
    for (const name of await readdir(panels)) {
      const text = await readFile(new URL(name, panels), "utf8");
      for (const [, page, , part] of text.matchAll(/guide="([\w-]+)\.html(#([\w-]+))?"/g)) {
        const guide = await readFile(new URL(`${page}.md`, guides), "utf8");
        const parts = [...guide.matchAll(/^##+ (.*)$/gm)].map(([, title]) =>
          title!.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"),
        );
        if (part) expect(parts, `${name}: ${page}`).toContain(part);
        links++;
      }
    }
    expect(links).toBeGreaterThanOrEqual(9);
  });
});
