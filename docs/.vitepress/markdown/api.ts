/**
 * What TypeDoc writes of the packages, made to fit the site: the list of packages says what each is for, links go to the guides
 * themselves, and to the headings that are meant.
 */
import { readFileSync } from "node:fs";
import type { MarkdownRenderer } from "vitepress";

export function apiRules(md: MarkdownRenderer): void {
  md.core.ruler.before("normalize", "api", (state) => {
    const { relativePath = "" } = state.env as { relativePath?: string };
    if (relativePath === "api/index.md") state.src = withDescriptions(state.src);
    else if (relativePath.startsWith("api/")) {
      state.src = withEntriesFirst(withItsOwnIds(state.src));
    }
  });
}

/** The list of packages as a table with what their manifests say of them. */
export function withDescriptions(list: string): string {
  const rows = list.replace(
    /^- (\[@tessera\/([\w-]+)\]\(.*\))$/gm,
    (_, link: string, name: string) => {
      const manifest = new URL(`../../../packages/${name}/package.json`, import.meta.url);
      const { description } = JSON.parse(readFileSync(manifest, "utf8")) as { description: string };
      return `| ${link} | ${description} |`;
    },
  );
  return rows.replace(/(?=^\| \[@)/m, "| package | what it is |\n|---|---|\n");
}

/** Of a package with several entries, links to the reference of each at the top, by the names that are imported. */
export function withEntriesFirst(page: string): string {
  const [, name] = /^# (@tessera\/[\w-]+)$/m.exec(page) ?? [];
  const [modules, list] = /^## Modules\n\n((?:- .*\n?)+)/m.exec(page) ?? [];
  if (name === undefined || modules === undefined || list === undefined) return page;
  const links = [...list.matchAll(/\[([\w-]+)\]\((.*)\)/g)].map(([, entry, file]) =>
    entry === "index" ? `[\`${name}\`](${file})` : `[\`${name}/${entry}\`](${file})`,
  );
  return page.replace(modules, "").replace(/^# .*$/m, `$&\n\nReference: ${links.join(" · ")}`);
}

/**
 * TypeDoc links to headings by ids that it writes before them; VitePress would give others. A heading of the README above them
 * makes way.
 */
export function withItsOwnIds(page: string): string {
  const start = page.search(/^<a id=/m);
  if (start < 0) return page;
  const ids = new Set<string>();
  let others = 0;
  const reference = page
    .slice(start)
    .replace(
      /^(?:<a id="([^"]+)"><\/a>\n\n)?(#.*)$/gm,
      (_, id: string | undefined, heading: string) => {
        const own = id === undefined || ids.has(id) ? `section-${++others}` : id;
        ids.add(own);
        return `${heading} {#${own}}`;
      },
    );
  const readme = page
    .slice(0, start)
    // TypeDoc copies what a README links to. The guide itself is meant.
    .replace(/\]\((?:\.\.\/)+_media\/([\w-]+)\.md/g, "](/guides/$1")
    .replace(/^#+ (.*)$/gm, (heading, text: string) => {
      const id = text.toLowerCase().replace(/[^\w]+/g, "-");
      return ids.has(id) ? `${heading} {#about-${id}}` : heading;
    });
  return readme + reference;
}
