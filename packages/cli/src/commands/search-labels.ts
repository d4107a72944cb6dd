import { extname } from "node:path";
import { ShapeError } from "@tessera/core";
import { readBytes } from "@tessera/io/node";
import type { Context } from "../context.js";
import { readCatalogue } from "../items.js";
import { grouped, oneLine } from "../text.js";

/**
 * What to call the vectors that are searched: lines of a text file, or objects of a .jsonl file.
 *
 * @throws {ShapeError} if there are not as many as vectors
 */
export async function readLabels(
  path: string | undefined,
  rows: number,
  source: string,
  context: Context,
): Promise<readonly string[] | undefined> {
  if (path === undefined) return undefined;
  if (extname(path).toLowerCase() === ".jsonl") {
    const choice = { items: path, id: undefined, names: undefined, group: undefined };
    const facts = { ids: undefined, items: undefined };
    const { label } = await readCatalogue(choice, source, rows, facts, context);
    return Array.from({ length: rows }, (_, row) => oneLine(label(row)));
  }
  const bytes = await readBytes(path, { signal: context.signal });
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (lines.length !== rows) {
    throw new ShapeError(
      `${path} has ${grouped(lines.length)} lines; ${source} has ${grouped(rows)} rows`,
      { hint: "there must be one name per row, in the same order" },
    );
  }
  return lines.map(oneLine);
}
