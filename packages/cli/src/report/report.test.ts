import { Codes } from "@tessera/core";
import { analyseCodes, assignSemanticIds, prefixPurity, PrefixTree } from "@tessera/semantic-ids";
import { describe, expect, it } from "vitest";
import { mapToPlane } from "@tessera/transforms";
import { treeView } from "../tree-view.js";
import type { ReportData } from "./data.js";
import { majority, sortedUsage, spread } from "./figures.js";
import { html } from "./html.js";
import { renderReport } from "./page.js";

const EVIL = `<script>alert("x")</script> & 'y' <img src=x onerror=alert(1)>`;

async function data(rows: number, label: (row: number) => string): Promise<ReportData> {
  const codes = new Codes(
    Uint8Array.from({ length: 2 * rows }, (_, at) => (at % 2 === 0 ? (at / 2) % 4 : (at * 7) % 5)),
    [4, 5],
  );
  const kinds = Array.from({ length: rows }, (_, row) =>
    row % 4 === 0 ? EVIL : `kind ${row % 4}`,
  );
  const points = Float32Array.from({ length: 2 * rows }, (_, at) => Math.sin(at * at));
  return {
    source: EVIL,
    spec: "vq4+vq5",
    dimension: 16,
    bits: 5,
    distortion: {
      distortion: 0.25,
      distortionPerLevel: [0.5, 0.25],
      totalVariance: 1,
      relativeDistortion: 0.25,
    },
    analysis: analyseCodes(codes),
    ids: assignSemanticIds(codes),
    tree: new PrefixTree(codes),
    label,
    groups: { field: EVIL, values: kinds, purity: prefixPurity(codes, kinds) },
    map: {
      ...(await mapToPlane({ data: points, rows, cols: 2 })),
      rows: Uint32Array.from({ length: rows }, (_, row) => row),
    },
    command: `tessera ids ${EVIL}`,
    facts: [["backend", EVIL]],
  };
}

describe("html", () => {
  it("escapes everything that is not markup, in text and in attributes", () => {
    expect(html`<a title="${`"'<&>`}">${["<b>", html`<i>${1}</i>`, undefined]}</a>`.markup).toBe(
      `<a title="&quot;&#39;&lt;&amp;&gt;">&lt;b&gt;<i>1</i></a>`,
    );
    expect(html`${"a\u0000\ud800\u202eb"}`.markup).toBe("a   b");
  });
});

describe("the report", () => {
  it("lets nothing from outside become markup", async () => {
    const page = renderReport(await data(60, () => EVIL));
    expect(page).not.toMatch(/<script|<img/i);
    expect(page).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;");
  });

  it("needs nothing but itself", async () => {
    const page = renderReport(await data(60, (row) => `item ${row}`));
    expect(page).not.toMatch(/https?:|url\(|@import|<link|<[^>]*\s(src|href)=/i);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain("prefers-color-scheme:dark");
  });

  it("has every section, every item and every point", async () => {
    const page = renderReport(await data(60, (row) => `item ${row}`));
    for (const title of ["Distortion by level", "Code usage", "Collisions", "What prefixes mean"]) {
      expect(page).toContain(`<h2>${title}</h2>`);
    }
    expect(page.match(/<title>item \d+ <a_|<title>item \d+ &lt;a_/g)).toHaveLength(60);
    expect(page.match(/<span>item \d+<\/span>/g)).toHaveLength(60);
  });

  it("is well-formed: every element that is opened is closed, in order", async () => {
    const page = renderReport(await data(60, () => EVIL));
    const open: string[] = [];
    for (const [, close, name, selfClosed] of page.matchAll(/<(\/?)([a-z0-9]+)[^>]*?(\/?)>/gi)) {
      if (selfClosed === "/" || name === "doctype") continue;
      if (close === "/") expect(open.pop()).toBe(name);
      else open.push(name!);
    }
    expect(open).toEqual([]);
  });

  it("shows only the largest branches of a large catalogue", async () => {
    const page = renderReport(await data(20_000, (row) => `item ${row}`));
    expect(page).toContain("only the largest branches are shown");
    expect(page).toMatch(/… [\d,]+ more\sitems/);
  });
});

describe("figures", () => {
  it("count, spread and find majorities", () => {
    const codes = new Codes([0, 2, 2, 1, 2, 0], [4]);
    expect([...sortedUsage(codes, 0)]).toEqual([3, 2, 1, 0]);
    expect(spread(Uint32Array.of(5, 6, 7, 8), 2)).toEqual([5, 7]);
    expect(spread(Uint32Array.of(5), 3)).toEqual([5]);
    expect(majority([0, 1, 2], ["a", "b", "b"])).toEqual({ value: "b", share: 2 / 3 });
  });
});

describe("treeView", () => {
  const tree = new PrefixTree(new Codes([0, 0, 0, 1, 0, 1, 2, 0, 2, 3, 1, 1], [3, 4]));
  const options = {
    label: (row: number) => `item ${row}`,
    kinds: ["x", "x", "y", "z", "z", "x"],
    depth: 2,
    branches: [16, 3] as const,
    width: 60,
    unicode: true,
    paint: (text: string) => text,
  };

  it("draws one line per branch, the largest first", () => {
    expect(treeView(tree, options).join("\n")).toMatchInlineSnapshot(`
      "a_0  3  ████████  x 66.7 %
      ├ b_1  2  item 1, item 2
      └ b_0  1  item 0

      a_2  2  █████▍    z 100 %
      ├ b_0  1  item 3
      └ b_3  1  item 4

      a_1  1  ██▋       x 100 %  item 5"
    `);
  });

  it("draws ASCII, without kinds, and says what it leaves out", () => {
    const lines = treeView(tree, {
      ...options,
      kinds: undefined,
      branches: [1, 1],
      unicode: false,
    });
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "a_0  3  ########  item 0, item 1, item 2
      |-b_1  2  item 1, item 2
      \`-b_0  1  item 0

      ... 2 more branches, 3 items"
    `);
  });

  it("cuts labels that do not fit, and cleans them", () => {
    const lines = treeView(tree, {
      ...options,
      label: () => `\u001b[2J${"wide ".repeat(40)}`,
      width: 40,
    });
    expect(lines.filter((line) => line.length > 40)).toEqual([]);
    expect(lines.join("")).not.toContain("\u001b");
  });
});
