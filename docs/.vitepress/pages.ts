/** What stands in the sidebars: the guides in the order of reading, and whatever pages there are of the rest. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface Page {
  readonly text: string;
  readonly link: string;
}

const docs = fileURLToPath(new URL("../", import.meta.url));

const GUIDES: readonly { readonly text: string; readonly names: readonly string[] }[] = [
  { text: "Start", names: ["first-ids", "algebra", "from-vq-to-rqvae"] },
  { text: "Semantic IDs", names: ["recommender", "rq-kmeans-or-rqvae"] },
  { text: "Search", names: ["quantizer-for-search", "performance"] },
  {
    text: "Underneath",
    names: ["backends", "write-a-backend", "write-a-quantizer"],
  },
  { text: "Look up", names: ["coming-from", "glossary"] },
];

/** Guides by group; one that is not written yet is left out. */
export function guideGroups(): { text: string; items: Page[] }[] {
  return GUIDES.map(({ text, names }) => ({
    text,
    items: names
      .filter((name) => existsSync(`${docs}guides/${name}.md`))
      .map((name) => page("guides", name)),
  }));
}

/** A page for each package; what TypeDoc has made of them. */
export function apiPages(): Page[] {
  const folder = `${docs}api/@tessera`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => {
      const name = entry.name.replace(/\.md$/, "");
      return {
        text: `@tessera/${name}`,
        link: `/api/@tessera/${name}${entry.isDirectory() ? "/" : ""}`,
      };
    })
    .sort((a, b) => a.text.localeCompare(b.text));
}

export function decisionPages(): Page[] {
  return readdirSync(`${docs}decisions`)
    .filter((name) => /^\d{4}-.*\.md$/.test(name))
    .sort()
    .map((name) => page("decisions", name.replace(/\.md$/, "")));
}

/** A page under its own title. */
function page(folder: string, name: string): Page {
  return { text: titleOf(`${docs}${folder}/${name}.md`), link: `/${folder}/${name}` };
}

/** The first heading of a page. */
export function titleOf(file: string): string {
  const title = /^# (.+)$/m.exec(readFileSync(file, "utf8"))?.[1];
  if (title === undefined) throw new Error(`${file} has no title`);
  return title.replaceAll("`", "");
}
