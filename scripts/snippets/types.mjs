// Checks the types of the pages' code with the settings of this repository, against the declarations that packages are
// published with. One program for all pages, since most of its time goes into the declarations.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { fencesOf, groupFences } from "./fences.mjs";

/** A value that a page makes to show how is not used, and that is no mistake. */
const UNUSED_VALUE = 6133;

/**
 * @param pages files of Markdown
 * @param folder where the code is, as it were: its `node_modules` has what a reader has installed
 * @returns problems, each with its page and line
 */
export function checkTypes(pages, { root, folder }) {
  const modules = new Map();
  for (const page of pages) {
    const markdown = readFileSync(page, "utf8");
    for (const [i, group] of groupsOfTypes(markdown).entries()) {
      modules.set(join(folder, `page-${pages.indexOf(page)}-${i}.mts`), {
        page,
        text: inPlace(markdown, group),
      });
    }
  }
  const options = settings(root);
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (name) => modules.has(name) || fileExists.call(host, name);
  host.readFile = (name) => modules.get(name)?.text ?? readFile.call(host, name);
  host.getSourceFile = (name, target, ...rest) =>
    modules.has(name)
      ? ts.createSourceFile(name, modules.get(name).text, target, true)
      : getSourceFile.call(host, name, target, ...rest);
  const program = ts.createProgram([...modules.keys()], options, host);

  const found = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
  for (const name of modules.keys()) {
    const source = program.getSourceFile(name);
    found.push(
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    );
  }
  return found.filter(isMistake).map(({ file, start, code, messageText }) => {
    const text = `TS${code}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    const page = modules.get(file?.fileName)?.page;
    if (page === undefined) return `types of READMEs and guides: ${file?.fileName ?? ""} ${text}`;
    const { line, character } = file.getLineAndCharacterOfPosition(start);
    return `${page.slice(root.length)}:${line + 1}:${character + 1}: ${text}`;
  });
}

function groupsOfTypes(markdown) {
  return groupFences(fencesOf(markdown)).filter(([{ language }]) => language === "ts");
}

/** The page with nothing but the code of these fences, so that its lines are the page's. */
function inPlace(markdown, fences) {
  const lines = markdown.split("\n").map(() => "");
  for (const { code, line } of fences) {
    for (const [i, text] of code.split("\n").entries()) lines[line + i] = text;
  }
  return `${lines.join("\n")}\nexport {};\n`;
}

function settings(root) {
  const { config } = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const typeRoots = [join(root, "node_modules", "@types")];
  const emitted = { declaration: false, declarationMap: false, sourceMap: false, noEmit: true };
  return { ...options, ...emitted, typeRoots };
}

/** Of what is unused, only imports are mistakes of a page. */
function isMistake({ code, file, start }) {
  if (code !== UNUSED_VALUE) return true;
  const before = file.text.slice(0, start);
  return /\bimport\b[^;]*$/.test(before);
}
