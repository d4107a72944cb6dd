/**
 * Links both ways between guides and the API, found by what the guides' code imports: a guide lists the packages that it
 * uses, and a package the guides that use it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { MarkdownRenderer } from "vitepress";
import { titleOf } from "../pages.js";

const guides = fileURLToPath(new URL("../../guides/", import.meta.url));
const PAGE = /^api\/@tessera\/([\w-]+)(?:\.md|\/([\w-]+)\.md)$/;

export function relatedPages(md: MarkdownRenderer): void {
  md.core.ruler.before("normalize", "related", (state) => {
    const { relativePath = "" } = state.env as { relativePath?: string };
    if (relativePath.startsWith("guides/")) {
      const links = packagesIn(state.src).map(
        (name) => `[@tessera/${name}](/api/@tessera/${name}${hasFolder(name) ? "/" : ""})`,
      );
      if (links.length > 0) state.src += `\n\n## Packages used here\n\n${links.join(" · ")}\n`;
    }
    const [, name, entry] = PAGE.exec(relativePath) ?? [];
    if (name === undefined) return;
    const title = `# @tessera/${name}${entry === undefined || entry.startsWith("index") ? "" : `/${entry}`}`;
    const links = guidesThatUse(name).map(({ text, link }) => `[${text}](${link})`);
    const line = links.length === 0 ? "" : `\n\nGuides: ${links.join(" · ")}`;
    state.src = state.src.replace(/^# .*$/m, () => title + line);
  });
}

/** Names of our packages that the code of a page imports, in order. */
export function packagesIn(source: string): string[] {
  const code = [...source.matchAll(/^```ts\b.*\n([^]*?)^```$/gm)]
    .map(([, text]) => text)
    .join("\n");
  const names = [...code.matchAll(/from "@tessera\/([\w-]+)/g)].map(([, name]) => name ?? "");
  return [...new Set(names)].sort();
}

function guidesThatUse(name: string): { text: string; link: string }[] {
  return readdirSync(guides)
    .filter((file) => packagesIn(readFileSync(guides + file, "utf8")).includes(name))
    .map((file) => ({
      text: titleOf(guides + file),
      link: `/guides/${file.replace(/\.md$/, "")}`,
    }));
}

/** Packages of several entries have a folder of pages. */
function hasFolder(name: string): boolean {
  const manifest = new URL(`../../../packages/${name}/package.json`, import.meta.url);
  return "typedocOptions" in (JSON.parse(readFileSync(manifest, "utf8")) as object);
}
