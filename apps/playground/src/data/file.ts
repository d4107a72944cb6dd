import { FormatError } from "@tessera/core";
import { blobSource, type Item, openVectorSource, type VectorBatch } from "@tessera/io";
import type { Dataset } from "./dataset.js";

/** Values that a page trains on without trouble: 128 MiB of them. */
const MOST_VALUES = 2 ** 25;

/** Fields that usually hold what a person calls an item. */
const USUAL_NAMES = ["title", "name", "label", "text", "word"];

/** A visitor's own vectors. They stay in the page: nothing is sent anywhere. */
export async function readFile(file: File, signal: AbortSignal): Promise<Dataset> {
  const opened = await openVectorSource(blobSource(file), { signal, items: true });
  try {
    if (opened.rows !== undefined) checkSize(file.name, opened.rows, opened.cols);
    const all = await opened.readAll();
    const { data, rows, cols } = all;
    checkSize(file.name, rows, cols);
    return { title: file.name, rows: { data, rows, cols }, labels: labelsOf(all) };
  } finally {
    await opened.close();
  }
}

function checkSize(name: string, rows: number, cols: number): void {
  if (rows * cols <= MOST_VALUES) return;
  throw new FormatError(`${name} holds ${rows} × ${cols} values, which is too much for a page`, {
    hint: "use a part of it here, and the tessera command for the whole",
  });
}

/** What stands beside the vectors: a usual name, else the ids of the file, else its first text. */
function labelsOf({ ids, items = [] }: VectorBatch): readonly string[] | undefined {
  const [first = {}] = items;
  const isText = (field: string): boolean => typeof first[field] === "string";
  const field = USUAL_NAMES.find(isText);
  if (field === undefined && ids !== undefined) return ids;
  const shown = field ?? Object.keys(first).find(isText);
  return shown === undefined ? undefined : items.map((item: Item) => String(item[shown] ?? ""));
}
