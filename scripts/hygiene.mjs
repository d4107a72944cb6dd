// Checks what a publisher would check by hand: package manifests, types as consumers resolve them, bundle sizes,
// the dependency graph, and that the code of every README and guide runs. Needs a finished build.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { commandChecker } from "./snippets/commands.mjs";
import { uncheckedCode } from "./snippets/fences.mjs";
import { inReadersFolder } from "./snippets/folder.mjs";
import { runSnippets } from "./snippets/run.mjs";
import { checkTypes } from "./snippets/types.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const problems = [];
const packages = readdirSync(join(root, "packages")).map((name) => {
  const folder = join(root, "packages", name);
  return {
    name,
    folder,
    manifest: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")),
  };
});
const published = packages.filter(({ manifest }) => !manifest.private);

checkGraph();
for (const entry of published) await checkOne(entry);
await checkSnippets();

if (problems.length > 0) {
  console.error(`\n${problems.length} problems:`);
  for (const problem of problems) console.error(`- ${problem}`);
  process.exit(1);
}
console.log(`hygiene: ${published.length} packages pass`);

/** Dependencies between packages: acyclic, `core` at the bottom, and no import that the manifest does not declare. */
function checkGraph() {
  const own = new Map(packages.map((entry) => [entry.manifest.name, entry]));
  const core = own.get("@tessera/core").manifest;
  if (Object.keys({ ...core.dependencies, ...core.peerDependencies }).length > 0) {
    problems.push("@tessera/core must depend on nothing");
  }
  const visiting = [];
  const done = new Set();
  const visit = (name) => {
    if (done.has(name)) return;
    if (visiting.includes(name)) {
      problems.push(
        `packages depend on one another in a circle: ${[...visiting, name].join(" > ")}`,
      );
      return;
    }
    visiting.push(name);
    for (const dependency of Object.keys(own.get(name).manifest.dependencies ?? {})) {
      if (own.has(dependency)) visit(dependency);
    }
    visiting.pop();
    done.add(name);
  };
  for (const { manifest, folder } of packages) {
    visit(manifest.name);
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    for (const file of sources(join(folder, "src"))) {
      for (const [, name] of readFileSync(file, "utf8").matchAll(
        /from "(@[\w-]+\/[\w-]+|[\w-]+)[/"]/g,
      )) {
        if (!Object.hasOwn(declared, name) && name !== manifest.name && !name.startsWith("node")) {
          problems.push(
            `${file.slice(root.length)} imports ${name}, which ${manifest.name} does not declare`,
          );
        }
      }
    }
  }
}

async function checkOne({ folder, manifest }) {
  const { messages } = await publint({ pkgDir: folder, strict: true });
  for (const message of messages)
    problems.push(`${manifest.name}: ${formatMessage(message, manifest)}`);

  for (const [field, expected] of [
    ["type", "module"],
    ["sideEffects", false],
    ["license", "Apache-2.0"],
  ]) {
    if (manifest[field] !== expected)
      problems.push(`${manifest.name}: ${field} must be ${expected}`);
  }
  if (manifest.publishConfig?.provenance !== true) {
    problems.push(`${manifest.name}: publishConfig.provenance must be true`);
  }
  for (const conditions of Object.values(manifest.exports)) {
    if (typeof conditions === "object" && Object.keys(conditions)[0] !== "types") {
      problems.push(`${manifest.name}: types must come first in exports`);
    }
  }
  for (const file of ["README.md", "LICENSE"]) {
    if (!existsSync(join(folder, file))) problems.push(`${manifest.name}: ${file} is missing`);
  }

  const analysis = await checkPackage(await packed(folder));
  const ignored = new Set(["CJSResolvesToESM", "NoResolution"]);
  for (const problem of analysis.problems ?? []) {
    // ESM only: that CommonJS and the resolution of Node 10 find nothing is as meant.
    const legacy = problem.resolutionKind === "node10" || problem.resolutionKind === "node16-cjs";
    if (!(legacy && ignored.has(problem.kind))) {
      problems.push(`${manifest.name}: types are wrong: ${JSON.stringify(problem)}`);
    }
  }
  if (analysis.types === false) problems.push(`${manifest.name}: has no types`);

  const bytes = await bundledSize(join(folder, manifest.exports["."].default), manifest);
  const budget = Number(manifest.tessera.budget.replace(" kB", "")) * 1000;
  console.log(
    `${manifest.name.padEnd(26)} ${(bytes / 1000).toFixed(1).padStart(6)} of ${manifest.tessera.budget} min+gzip`,
  );
  if (bytes > budget)
    problems.push(`${manifest.name}: ${bytes} bytes are over its ${manifest.tessera.budget}`);
}

/** The package as the registry would get it. */
async function packed(folder) {
  const target = mkdtempSync(join(tmpdir(), "tessera-pack-"));
  try {
    execFileSync("pnpm", ["pack", "--pack-destination", target], {
      cwd: folder,
      stdio: "pipe",
      shell: process.platform === "win32",
    });
    const [tarball] = readdirSync(target);
    return createPackageFromTarballData(new Uint8Array(readFileSync(join(target, tarball))));
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

/** Bytes of the package's own code, minified and gzipped; others of ours, and what its user brings, are not counted. */
async function bundledSize(entry, { peerDependencies = {} }) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    external: ["@tessera/*", "node:*", ...Object.keys(peerDependencies)],
    logLevel: "silent",
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

/** Checks the code of every README and every guide, and runs it, two pages at a time. */
async function checkSnippets() {
  const readmes = [
    join(root, "README.md"),
    ...published.map(({ folder }) => join(folder, "README.md")),
  ].filter(existsSync);
  const guides = join(root, "docs", "guides");
  const pages = [...readmes, ...readdirSync(guides).map((name) => join(guides, name))];
  const installed = [
    ...published.map(({ folder, manifest }) => ({ folder, name: manifest.name })),
    ...readersPackages(),
  ];
  const wrongCommands = await commandChecker(root);
  for (const page of pages) {
    const markdown = readFileSync(page, "utf8");
    for (const { line, text } of [...uncheckedCode(markdown), ...wrongCommands(markdown)]) {
      problems.push(`${page.slice(root.length)}:${line}: ${text}`);
    }
  }
  const ran = new Map();
  const runPages = async (rest) => {
    for (let file = rest.shift(); file !== undefined; file = rest.shift()) {
      const shell = process.platform !== "win32";
      const result = await runSnippets(file, { root, packages: installed, shell });
      problems.push(...result.problems);
      ran.set(file, result.ran);
    }
  };
  const queue = [...pages];
  const running = Promise.all([runPages(queue), runPages(queue)]);
  problems.push(
    ...(await inReadersFolder({ root, packages: installed }, (folder) =>
      checkTypes(pages, { root, folder }),
    )),
  );
  await running;
  for (const file of readmes) {
    const needsOne = file !== join(root, "README.md") && !file.includes(join("packages", "cli"));
    if (needsOne && ran.get(file) === 0) problems.push(`${file.slice(root.length)} has no snippet`);
  }
  const total = [...ran.values()].reduce((sum, count) => sum + count, 0);
  console.log(`${total} snippets of ${pages.length} READMEs and guides ran`);
}

/** What a reader brings: packages of the scopes of our packages' peers, TensorFlow.js and its backends for instance. */
function readersPackages() {
  const found = new Map();
  for (const { folder, manifest } of published) {
    const peers = Object.keys(manifest.peerDependencies ?? {}).filter((name) => name[0] === "@");
    for (const scope of new Set(peers.map((name) => name.split("/")[0]))) {
      for (const name of readdirSync(join(folder, "node_modules", scope))) {
        const place = realpathSync(join(folder, "node_modules", scope, name));
        found.set(`${scope}/${name}`, place);
      }
    }
  }
  return [...found].map(([name, folder]) => ({ folder, name }));
}

function sources(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && file.name.endsWith(".ts") && !file.name.endsWith(".test.ts"))
    .map((file) => join(file.parentPath, file.name));
}
