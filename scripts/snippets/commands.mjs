// Checks the `tessera` commands of a page, those too that are only shown, by the CLI's own parser: commands and options exist,
// values can be read, and what is built is a spec.
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { fencesOf } from "./fences.mjs";

const LANGUAGES = new Set(["sh", "text"]);
/** What stands behind `tessera` at the start of a command, behind variables that are set for it. */
const IN_SHELL = /^[$ ]*(?:[A-Z_]+=\S+ +)*(?:npx )?tessera +((?:\\\n|[^\n])*)/gm;
const IN_TEXT = /`(?:npx )?tessera ([^`\n]+)`/g;
/** The text may leave words out. */
const LEFT_OUT = "…";
const IS_INCOMPLETE = /\bneeds\b/;

/**
 * @param root of the repository, where the packages are built
 * @returns a function that finds problems in the commands of a page of Markdown, each with its line
 */
export async function commandChecker(root) {
  const built = (path) => import(pathToFileURL(join(root, "packages", path)).href);
  const { COMMANDS } = await built("cli/dist/commands/index.js");
  const { parseArguments } = await built("cli/dist/args/parse.js");
  const { parseSpec } = await built("core/dist/index.js");

  const check = ([name, ...argv]) => {
    if (name.startsWith("--") || name === LEFT_OUT) return;
    const command = COMMANDS.find((one) => one.name === name);
    if (command === undefined) throw new Error(`there is no tessera ${name}`);
    const { values } = parseArguments(argv, command);
    if (values.spec !== undefined) parseSpec(values.spec);
    if (values.training !== undefined) JSON.parse(values.training);
  };
  return (markdown) =>
    tesseraCommands(markdown).flatMap(({ words, line, inText }) => {
      try {
        check(words);
        return [];
      } catch (error) {
        if (inText && IS_INCOMPLETE.test(error.message)) return [];
        return [{ line, text: `tessera ${words.join(" ")}: ${error.message}` }];
      }
    });
}

/** Words behind each `tessera` of a page, in its fences and in its text, and the line that it begins at. */
export function tesseraCommands(markdown) {
  const inFences = fencesOf(markdown)
    .filter(({ language }) => LANGUAGES.has(language))
    .flatMap(({ code, line }) => commandsIn(code, line + 1, IN_SHELL, false));
  const text = markdown.replace(/^```[^]*?^```$/gm, (fence) => fence.replace(/[^\n]/g, " "));
  return [...inFences, ...commandsIn(text, 1, IN_TEXT, true)];
}

function commandsIn(text, firstLine, pattern, inText) {
  return [...text.matchAll(pattern)].map(({ index, 1: rest }) => ({
    words: shellWords(rest),
    line: firstLine + text.slice(0, index).split("\n").length - 1,
    inText,
  }));
}

/** What a shell makes of the rest of a command, up to a comment or to what joins it with another. */
function shellWords(text) {
  const words = [];
  for (const [word] of text.matchAll(/(?:'[^']*'|"[^"]*"|\\\n|[^\s'"\\])+|\\\n/g)) {
    if (/^[#|;&>]/.test(word)) break;
    const bare = word.replaceAll("\\\n", "").replace(/'([^']*)'|"([^"]*)"/g, "$1$2");
    if (bare !== "") words.push(bare);
  }
  return words;
}
