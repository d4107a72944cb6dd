import {
  ArgumentError,
  FormatError,
  readSafetensorsHeader,
  safetensorsHeaderEnd,
} from "@tessera/core";
import type { SafetensorsEntry } from "@tessera/core";
import { readExactly, type ByteSource } from "./source.js";
import type { Table } from "./table.js";

/**
 * The layout of one tensor of a safetensors file.
 *
 * @param tensor its name; by default the only 2-D tensor of floats
 * @throws {FormatError} if the file is damaged, or has no such tensor
 */
export async function openSafetensors(source: ByteSource, tensor?: string): Promise<Table> {
  const { name } = source;
  const entries = await readEntries(source);
  const { dtype, shape, start } =
    tensor === undefined ? onlyMatrix(entries, name) : namedMatrix(entries, tensor, name);
  const [rows, cols] = shape as [number, number];
  return { dtype, littleEndian: true, rows, cols, start, counted: false };
}

async function readEntries(source: ByteSource): Promise<readonly SafetensorsEntry[]> {
  const { name, size } = source;
  try {
    const headerEnd = safetensorsHeaderEnd(await readExactly(source, 0, Math.min(8, size)), size);
    return readSafetensorsHeader(await readExactly(source, 0, headerEnd), size).entries;
  } catch (cause) {
    // The format's own errors cannot know the name of the file.
    if (!(cause instanceof FormatError) || cause.message.startsWith(name)) throw cause;
    throw new FormatError(`${name}: ${cause.message}`, {
      ...(cause.hint !== undefined && { hint: cause.hint }),
      cause,
    });
  }
}

function onlyMatrix(entries: readonly SafetensorsEntry[], name: string): SafetensorsEntry {
  const isFloat = ({ dtype }: SafetensorsEntry): boolean => /^B?F\d/.test(dtype);
  const matrices = entries.filter((entry) => entry.shape.length === 2 && isFloat(entry));
  if (matrices.length === 1) return matrices[0]!;
  throw new FormatError(
    matrices.length === 0
      ? `${name} has no 2-D tensor of floats; it has ${list(entries)}`
      : `${name} has ${matrices.length} 2-D tensors of floats: ${list(matrices)}`,
    { hint: "name the one to read with the option tensor" },
  );
}

function namedMatrix(
  entries: readonly SafetensorsEntry[],
  tensor: string,
  name: string,
): SafetensorsEntry {
  const entry = entries.find((candidate) => candidate.name === tensor);
  if (entry === undefined) {
    throw new ArgumentError(
      `${name} has no tensor ${JSON.stringify(tensor)}; it has ${list(entries)}`,
    );
  }
  if (entry.shape.length !== 2) {
    throw new FormatError(`${name} tensor ${list([entry])} is not a matrix`, {
      hint: "reshape it to [rows, columns]",
    });
  }
  return entry;
}

function list(entries: readonly SafetensorsEntry[]): string {
  const shown = entries
    .slice(0, 8)
    .map(({ name, shape }) => `${JSON.stringify(name)} [${shape.join(", ")}]`);
  if (entries.length > shown.length) shown.push(`and ${entries.length - shown.length} more`);
  return shown.length === 0 ? "none" : shown.join(", ");
}
