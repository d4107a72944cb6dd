// Runs the code of the READMEs and the guides as a reader would: against the built packages, in a folder of its own for each
// page.
//
//   ```ts             a module of its own
//   ```ts continued   goes on where the fence before it ended
//   ```sh             in guides: commands, `tessera` among them; the folder has this repository's `apps`
//   ```text output    what the fence before it prints
//   ```text output about   the same, with numbers within 5 %, as engines learn models that differ a little
//
// Fences of other kinds, such as `bash` for what takes too long or needs a network, are only shown.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";

const execute = promisify(execFile);
/** Stands between what joined fences print. */
const MARK = "\u0001";

/**
 * @param file a page of Markdown
 * @param packages folders and names of what is installed
 * @returns problems, and the number of fences that ran
 */
export async function runSnippets(file, { root, packages, shell = false }) {
  const problems = [];
  const groups = groupFences(fencesOf(readFileSync(file, "utf8")), shell);
  const folder = mkdtempSync(join(tmpdir(), "tessera-snippets-"));
  try {
    mkdirSync(join(folder, "node_modules", "@tessera"), { recursive: true });
    for (const { folder: from, name } of packages) {
      symlinkSync(from, join(folder, "node_modules", name), "junction");
    }
    symlinkSync(join(root, "apps"), join(folder, "apps"), "junction");
    for (const [i, group] of groups.entries()) {
      const place = `snippet at line ${group[0].line} of ${file.slice(root.length)}`;
      try {
        const printed = await runGroup(group, join(folder, `snippet-${i}.mjs`), { root, folder });
        for (const [j, { expected, about, line }] of group.entries()) {
          if (expected === undefined || same(printed[j], expected, about)) continue;
          problems.push(`${place}: the fence at line ${line} prints\n${tidy(printed[j])}`);
        }
      } catch (error) {
        problems.push(`${place} fails: ${error.stderr || error.stdout || error.message}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { problems, ran: groups.flat().length };
}

/** Fences of a page, in order: their info, code and line. */
export function fencesOf(markdown) {
  return [...markdown.matchAll(/^```(\S+)([^\n]*)\n([^]*?)^```$/gm)].map(
    ({ index, 1: language, 2: rest, 3: code }) => ({
      language,
      words: rest.trim().split(/\s+/),
      code,
      line: markdown.slice(0, index).split("\n").length,
    }),
  );
}

/** What runs together: a fence and those that continue it, each with the output that is shown behind it. */
export function groupFences(fences, shell) {
  const groups = [];
  let previous;
  for (const fence of fences) {
    if (fence.language === "text" && fence.words.includes("output")) {
      previous.expected = fence.code;
      previous.about = fence.words.includes("about");
    } else if (fence.language === "ts" || (shell && fence.language === "sh")) {
      previous = { ...fence };
      const before = groups.findLast(([{ language }]) => language === "ts");
      if (fence.words.includes("continued")) before.push(previous);
      else groups.push([previous]);
    }
  }
  return groups;
}

async function runGroup(group, path, { root, folder }) {
  const [{ language, code }] = group;
  const options = {
    cwd: folder,
    timeout: 180_000,
    maxBuffer: 2 ** 26,
    env: {
      ...process.env,
      PATH: join(root, "node_modules", ".bin") + delimiter + process.env.PATH,
      COLUMNS: "80",
      NO_COLOR: "1",
    },
  };
  if (language === "sh") return [(await execute("sh", ["-euc", code], options)).stdout];
  const joined = group.map((fence) => fence.code).join(`\nconsole.log("${MARK}");\n`);
  writeFileSync(path, (await transform(joined, { loader: "ts" })).code);
  return (await execute(process.execPath, [path], options)).stdout.split(`${MARK}\n`);
}

function same(printed, expected, about) {
  if (!about) return tidy(printed) === tidy(expected);
  const number = /\d+(?:\.\d+)?/g;
  if (tidy(printed).replace(number, "0") !== tidy(expected).replace(number, "0")) return false;
  const wanted = expected.match(number).map(Number);
  return printed.match(number).every((text, i) => Math.abs(text - wanted[i]) <= 0.05 * wanted[i]);
}

/** Without what an editor may add or take away. */
function tidy(text) {
  return text.replace(/[ \t]+$/gm, "").trim();
}
