// Runs the code of the READMEs and the guides as a reader would: against the built packages, in a folder of its own for each
// page. What becomes of which fence is in fences.mjs.
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { fencesOf, groupFences } from "./fences.mjs";
import { putCommand, putReadersFiles } from "./files.mjs";
import { inReadersFolder } from "./folder.mjs";

const execute = promisify(execFile);
/** Stands between what joined fences print. */
const MARK = "\u0001";
const NUMBER = /\d+(?:,\d{3})*(?:\.\d+)?/g;

/**
 * @param page a file of Markdown
 * @param packages folders and names of what is installed
 * @param shell whether there is a shell for `sh`
 * @returns problems, and the number of fences that ran
 */
export async function runSnippets(page, { root, packages, shell }) {
  const runs = ({ language, shown }) => shown === undefined && (shell || language !== "sh");
  const groups = groupFences(fencesOf(readFileSync(page, "utf8")))
    .map((group) => group.filter(runs))
    .filter((group) => group.length > 0);
  const problems = await inReadersFolder({ root, packages }, async (folder) => {
    const found = [];
    putCommand(root, folder);
    const asked = groups.flat().some(({ words }) => words.includes("files"));
    if (asked) await putReadersFiles(root, folder);
    for (const [i, group] of groups.entries()) {
      const place = `snippet at line ${group[0].line} of ${page.slice(root.length)}`;
      try {
        const printed = await runGroup(group, join(folder, `snippet-${i}.mjs`), { root, folder });
        for (const [j, { expected }] of group.entries()) {
          if (expected === undefined || isPrinted(printed[j], expected)) continue;
          found.push(`${place}: the fence at line ${expected.line} prints\n${tidy(printed[j])}`);
        }
      } catch (error) {
        found.push(`${place} fails: ${error.stderr || error.stdout || error.message}`);
      }
    }
    return found;
  });
  return { problems, ran: groups.flat().length };
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

/** Whether what was printed is what the page shows, as far as the words of its fence ask. */
function isPrinted(printed, { code, words }) {
  const lines = tidy(printed).split("\n");
  const shown = tidy(code).split("\n");
  const same = (text, i) => (words.includes("about") ? isNear(text, shown[i]) : text === shown[i]);
  const starts = words.includes("part") ? lines.keys() : [0];
  const length = words.includes("part") ? shown.length : lines.length;
  return [...starts].some((start) => {
    const part = lines.slice(start, start + length);
    return part.length === shown.length && part.every(same);
  });
}

/** Whether a line says the same with about the same numbers. Columns may be as wide as their numbers. */
function isNear(printed, shown) {
  const form = (text) => text.replace(NUMBER, "0").replace(/\s+/g, " ");
  if (form(printed) !== form(shown)) return false;
  const numbers = (text) =>
    (text.match(NUMBER) ?? []).map((one) => Number(one.replaceAll(",", "")));
  const wanted = numbers(shown);
  return numbers(printed).every(
    (value, i) => Math.abs(value - wanted[i]) <= 0.05 * Math.abs(wanted[i]),
  );
}

/** Without what an editor may add or take away. */
function tidy(text) {
  return text.replace(/[ \t]+$/gm, "").replace(/^\n+|\n+$/g, "");
}
