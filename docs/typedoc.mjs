// The API reference as Markdown, one page a package, for the site to render, search and link.
import { readdirSync, readFileSync } from "node:fs";

const packages = new URL("../packages/", import.meta.url);
const published = readdirSync(packages).filter((name) => {
  const manifest = readFileSync(new URL(`${name}/package.json`, packages), "utf8");
  return JSON.parse(manifest).private !== true;
});

export default {
  plugin: ["typedoc-plugin-markdown"],
  name: "API reference",
  out: "api",
  entryPointStrategy: "packages",
  entryPoints: published.map((name) => `../packages/${name}`),
  router: "module",
  readme: "none",
  entryFileName: "index",
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useHTMLAnchors: true,
  sanitizeComments: true,
  // Tables are read well on a wide page, and scroll by themselves on a narrow one.
  parametersFormat: "table",
  interfacePropertiesFormat: "table",
  typeDeclarationFormat: "table",
  disableSources: true,
  packageOptions: {
    entryPoints: ["src/index.ts"],
    excludePrivate: true,
    excludeInternal: true,
    disableSources: true,
    validation: { notExported: false, invalidLink: false },
  },
};
