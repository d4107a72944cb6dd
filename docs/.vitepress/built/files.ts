/** What `npm run docs` has built, and whether it still is what the pages say. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const SITE = fileURLToPath(new URL("../../../out/docs/", import.meta.url));
const DOCS = fileURLToPath(new URL("../../", import.meta.url));

/** Why there is no site to look at; `undefined` if there is one. */
export function whyNoSite(): string | undefined {
  const first = join(SITE, "index.html");
  if (!existsSync(first)) return "the site is not built: npm run docs";
  const built = statSync(first).mtimeMs;
  const newer = readdirSync(DOCS, { recursive: true, encoding: "utf8" }).find(
    (name) =>
      /\.(?:md|ts|css)$/.test(name) &&
      !/cache|\.test\.ts$/.test(name) &&
      statSync(join(DOCS, name)).mtimeMs > built,
  );
  return newer === undefined ? undefined : `the site is older than docs/${newer}: npm run docs`;
}

/** Addresses of the site's own pages, such as `/guides/algebra.html`; the playground has tests of its own. */
export function builtPages(): string[] {
  return readdirSync(SITE, { recursive: true, encoding: "utf8" })
    .map((name) => `/${name.replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(".html") && !name.startsWith("/playground/"))
    .sort();
}

/** Links of a page that lead nowhere within the site: to no file, or to no element of a page. */
export function deadLinks(page: string): string[] {
  const html = readFileSync(join(SITE, page), "utf8");
  return [...html.matchAll(/<a\b[^>]*?\shref="([^"]*)"/g)].flatMap(([, href = ""]) => {
    const target = new URL(href.replaceAll("&amp;", "&"), `http://site${page}`);
    if (target.host !== "site") return [];
    const path = decodeURIComponent(target.pathname).replace(/\/$/, "/index.html");
    const file = join(SITE, path);
    if (!existsSync(file)) return [href];
    const anchor = decodeURIComponent(target.hash.slice(1));
    if (anchor === "" || !path.endsWith(".html") || path.startsWith("/playground/")) return [];
    return idsOf(file).has(anchor) ? [] : [href];
  });
}

const ids = new Map<string, Set<string>>();

function idsOf(file: string): Set<string> {
  const known = ids.get(file);
  if (known !== undefined) return known;
  const html = readFileSync(file, "utf8");
  const found = new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id ?? ""));
  ids.set(file, found);
  return found;
}
