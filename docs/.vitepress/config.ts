import { existsSync } from "node:fs";
import { defineConfig } from "vitepress";
import { checkSite } from "./check-site.js";
import { benchFences } from "./markdown/bench.js";
import { mathRules } from "./markdown/math.js";
import { relatedPages } from "./markdown/related.js";
import { workedExample } from "./markdown/worked-example.js";
import { apiPages, decisionPages, guideGroups } from "./pages.js";

/** Built by `apps/playground`, where that is there. */
const playground = existsSync(new URL("../public/playground/index.html", import.meta.url));

export default defineConfig({
  title: "Tessera",
  description: "Vector quantizers in TypeScript: Semantic IDs and compressed vector search.",
  lang: "en-GB",
  outDir: "../out/docs",
  srcExclude: ["public/**"],
  // Pages keep their .html, so that any server of static files can serve them.
  cleanUrls: false,
  lastUpdated: false,
  head: [["meta", { name: "color-scheme", content: "light dark" }]],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-dimmed" },
    config(md) {
      mathRules(md);
      benchFences(md);
      workedExample(md);
      relatedPages(md);
    },
  },
  themeConfig: {
    nav: [
      { text: "Guides", link: "/guides/first-ids", activeMatch: "^/guides/" },
      { text: "API", link: "/api/", activeMatch: "^/api/" },
      { text: "Decisions", link: "/decisions/", activeMatch: "^/decisions/" },
      // Another page, not a route of this one.
      ...(playground
        ? [{ text: "Playground", link: "/playground/index.html", target: "_self" }]
        : []),
    ],
    sidebar: {
      "/guides/": guideGroups(),
      "/api/": [{ text: "API reference", link: "/api/", items: apiPages() }],
      "/decisions/": [{ text: "Decisions", link: "/decisions/", items: decisionPages() }],
    },
    outline: { level: [2, 3] },
    search: {
      provider: "local",
      options: { detailedView: false },
    },
    docFooter: { prev: "Before this", next: "After this" },
    externalLinkIcon: true,
  },
  vite: {
    // The API of all packages is one large index, which is loaded only when somebody searches.
    build: { chunkSizeWarningLimit: 4000 },
  },
  async buildEnd({ outDir }) {
    await checkSite(outDir);
  },
});
