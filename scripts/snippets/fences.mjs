// The fences of a page, and what becomes of each.
//
//   ```ts             a module of its own: its types are checked, and it runs
//   ```ts continued   goes on where the fence before it ended
//   ```sh             commands that run, `tessera` among them; the folder has this repository's `apps`
//   ```sh files       the same, in a folder that has the files which a reader is asked for (files.mjs)
//   ```text output    what the fence before it prints
//   ```text output about   the same, with numbers within 5 %, as engines learn models that differ a little
//   ```text output about part   lines that follow one another somewhere in it
//   ```sh shown: why  is not run, for the reason that stands there; types and `tessera` commands are checked all the same
//
// `text` and `json` by themselves are no code, and the site draws its figures of fences of its own.

const INERT = new Set(["text", "json", "bench", "live", "worked-example"]);
const RUNS = new Set(["ts", "sh"]);

/**
 * Fences of a page, in order.
 *
 * @returns their language, the words behind it, what is in them, the line that they begin at, counted from 1, and why they are
 *   not run if they are not
 */
export function fencesOf(markdown) {
  return [...markdown.matchAll(/^```(\S*)([^\n]*)\n([^]*?)^```$/gm)].map(
    ({ index, 1: language, 2: rest, 3: code }) => ({
      language,
      words: rest.trim().split(/\s+/),
      code,
      line: markdown.slice(0, index).split("\n").length,
      shown: /(?:^|\s)shown: *(.*)$/.exec(rest)?.[1],
    }),
  );
}

/** What runs together: a fence and those that continue it, each with the output that is shown behind it. */
export function groupFences(fences) {
  const groups = [];
  let previous;
  for (const fence of fences) {
    if (fence.language === "text" && fence.words.includes("output")) {
      previous.expected = fence;
    } else if (RUNS.has(fence.language)) {
      previous = { ...fence };
      const before = groups.findLast(([{ language }]) => language === "ts");
      if (fence.words.includes("continued")) before.push(previous);
      else groups.push([previous]);
    }
  }
  return groups;
}

/** Code of a page that would pass unchecked, each with its line: there is none that neither runs nor says why not. */
export function uncheckedCode(markdown) {
  const problems = fencesOf(markdown).flatMap(({ language, line, shown }) => {
    if (INERT.has(language)) return [];
    if (language === "") return [{ line, text: "the fence has no language; `text` is no code" }];
    if (shown === "") return [{ line, text: "the fence does not say why it is only shown" }];
    if (shown !== undefined || RUNS.has(language)) return [];
    return [{ line, text: `\`${language}\` is not run: write \`${language} shown: why\`` }];
  });
  for (const line of indentedLines(markdown)) {
    problems.push({ line, text: "indented code is not checked: write a fence" });
  }
  return problems;
}

/** First lines of indented code: behind an empty line and not in a list, where that is how a paragraph goes on. */
function indentedLines(markdown) {
  const lines = markdown
    .replace(/^```[^]*?^```$/gm, (fence) => fence.replace(/[^\n]+/g, "```"))
    .split("\n");
  let inList = false;
  return lines.flatMap((text, i) => {
    if (/^\S/.test(text)) inList = /^(?:[-*+]|\d+\.) /.test(text);
    const first = /^ {4}/.test(text) && (lines[i - 1] ?? "") === "";
    return first && !inList ? [i + 1] : [];
  });
}
