import { existsSync } from "node:fs";
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { checkSite } from "./check-site.js";
import { apiRules } from "./markdown/api.js";
import { drawBench } from "./markdown/bench.js";
import { drawFences } from "./markdown/fences.js";
import { liveFigure } from "./markdown/live.js";
import { mathRules } from "./markdown/math.js";
import { relatedPages } from "./markdown/related.js";
import { workedExample } from "./markdown/worked-example.js";
import { apiPages, decisionPages, guideGroups } from "./pages.js";

/** What `apps/playground` was built to; it becomes part of the built site at /playground. */
const playground = fileURLToPath(new URL("../../apps/playground/dist/", import.meta.url));
const hasPlayground =
  process.env["NODE_ENV"] === "production" && existsSync(`${playground}index.html`);

/** A tessera: four tiles. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="#2b5c8a">' +
    '<path d="M1 1h6v6H1zM9 9h6v6H9z"/><path d="M9 1h6v6H9zM1 9h6v6H1z" opacity=".5"/></svg>',
)}`;

export default defineConfig({
  title: "Tessera",
  description: "Vector quantizers in TypeScript: Semantic IDs and compressed vector search.",
  lang: "en-GB",
  outDir: "../out/docs",
  // Pages keep their .html, so that any server of static files can serve them.
  cleanUrls: false,
  lastUpdated: false,
  srcExclude: ["api/_media/**"],
  head: [
    ["meta", { name: "color-scheme", content: "light dark" }],
    ["link", { rel: "icon", href: ICON }],
  ],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-dimmed" },
    config(md) {
      mathRules(md);
      drawFences(md, {
        bench: drawBench,
        "worked-example": workedExample,
        live: liveFigure(hasPlayground),
      });
      apiRules(md);
      relatedPages(md);
    },
  },
  themeConfig: {
    nav: [
      { text: "Guides", link: "/guides/first-ids", activeMatch: "^/guides/" },
      { text: "API", link: "/api/", activeMatch: "^/api/" },
      { text: "Decisions", link: "/decisions/", activeMatch: "^/decisions/" },
      // Another page, not a route of this one.
      ...(hasPlayground
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
      options: {
        detailedView: false,
        // The button is called what stands on it.
        // Guides before the reference, which has every word a hundred times.
        miniSearch: {
          searchOptions: { boostDocument: (id: string) => (id.startsWith("/guides/") ? 3 : 1) },
        },
        translations: { button: { buttonText: "Search", buttonAriaLabel: "" } },
      },
    },
    docFooter: { prev: "Before this", next: "After this" },
    externalLinkIcon: true,
    notFound: { linkText: "Take me home", linkLabel: "Take me home" },
  },
  vite: {
    // The API of all packages is one large index, which is loaded only when somebody searches.
    build: { chunkSizeWarningLimit: 4000 },
  },
  async buildEnd({ outDir }) {
    if (hasPlayground) await cp(playground, `${outDir}/playground`, { recursive: true });
    await checkSite(outDir);
  },
});
