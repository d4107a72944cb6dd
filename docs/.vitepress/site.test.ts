import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { medianSeconds, type Report } from "../../apps/bench/src/results.js";
import { loadsFromElsewhere } from "./check-site.js";
import { drawBench } from "./markdown/bench.js";
import { liveFigure } from "./markdown/live.js";
import { mathml } from "./markdown/math.js";
import { packagesIn } from "./markdown/related.js";
import { guideGroups } from "./pages.js";

const results = new URL("../../apps/bench/results/epyc-2-cores.json", import.meta.url);

const draw = (request: object): string => drawBench(JSON.stringify(request));

describe("charts of the bench", () => {
  it("have a text, and bars as long as the times that were measured", () => {
    const chart = draw({ bars: "assign-256", entries: ["native", "faiss"] });
    const { cases } = JSON.parse(readFileSync(results, "utf8")) as Report;
    const entries = cases.find(({ name }) => name === "assign-256")!.entries;
    const [own, peer] = ["native", "faiss"].map((name) =>
      entries.find(({ entry }) => entry === name),
    );
    const widths = [...chart.matchAll(/<rect [^>]*width="([\d.]+)%"/g)].map(([, width]) =>
      Number(width),
    );
    expect(widths[0]! / widths[1]!).toBeCloseTo(medianSeconds(own)! / medianSeconds(peer)!, 2);
    expect(chart).toMatch(/<desc[^>]*>Tessera native 9\.51 ms, faiss 73\.4 ms</);
  });

  it("are refused for what was not measured", () => {
    expect(() => draw({ bars: "assign-257", entries: [] })).toThrow('no case "assign-257"');
    expect(() => draw({ bars: "assign-256", entries: ["jax"] })).toThrow('no figures of "jax"');
    expect(() => draw({ recall: { "assign-256": "vq256" } })).toThrow("is no search");
  });

  it("give recall and bytes of a search", () => {
    const table = draw({ recallTable: { "search-words-pq": "pq20x256" } });
    expect(table).toContain("<td>pq20x256</td><td>20</td><td>0.449</td><td>0.505</td>");
  });
});

describe("the site", () => {
  it("is found out where it loads something from elsewhere", () => {
    expect(loadsFromElsewhere('<a href="https://example.org">a link</a>')).toEqual([]);
    expect(loadsFromElsewhere('<script type="module" src="/app.js"></script>')).toEqual([]);
    expect(loadsFromElsewhere('<script async src="https://cdn.example/x.js"></script>')).toEqual([
      "https://cdn.example/x.js",
    ]);
    expect(
      loadsFromElsewhere('<link rel="stylesheet" href="//fonts.example/css">@import "//a/b.css";'),
    ).toEqual(["//fonts.example/css", "//a/b.css"]);
    expect(loadsFromElsewhere("src: url(https://fonts.example/x.woff2)")).toHaveLength(1);
  });

  it("has every guide in its sidebar", () => {
    const guides = readdirSync(fileURLToPath(new URL("../guides/", import.meta.url)));
    const links = guideGroups().flatMap(({ items }) => items.map(({ link }) => link));
    expect(links.sort()).toEqual(
      guides.map((name) => `/guides/${name.replace(/\.md$/, "")}`).sort(),
    );
  });

  it("writes equations as MathML, and refuses TeX with a mistake", () => {
    expect(mathml("x_1", false)).toMatch(/^<math>.*<msub>/);
    expect(() => mathml("\\frac{1", true)).toThrow();
  });

  it("has figures that live where there is a playground", () => {
    const content = "data=moons&spec=vq8>\nEight <codewords>.\n";
    expect(liveFigure(true)(content)).toContain(
      'src="/playground/index.html#data=moons&amp;spec=vq8>&amp;embed=yes" title="Eight &lt;codewords>."',
    );
    expect(liveFigure(false)(content)).toContain("Eight &lt;codewords>.");
  });

  it("finds the packages that a guide's code uses", () => {
    const page = '```ts\nimport { a } from "@tessera/rq";\n```\n\n`from "@tessera/vq"`';
    expect(packagesIn(page)).toEqual(["rq"]);
  });
});
