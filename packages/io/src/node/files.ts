import { throwIfAborted, type Codes } from "@tessera/core";
import { decodeCodes, encodeCodes } from "../codes.js";
import { readItemsFrom, type Item } from "../jsonl.js";
import { readExactly } from "../source.js";
import { withMemory } from "../table.js";
import { openVectorSource, type VectorFile, type VectorOptions } from "../vectors.js";
import { writeFileAtomic, type WriteOptions } from "./atomic-file.js";
import { fileSource } from "./file-source.js";

export interface ReadOptions {
  /** Stops the reading with an AbortedError. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a file of vectors: npy, fvecs, ivecs, bvecs, safetensors, jsonl, csv or tsv. Close it when done.
 *
 * @throws {FileError} if it cannot be read
 * @throws {FormatError} if it is not what its format says
 */
export async function openVectors(path: string, options: VectorOptions = {}): Promise<VectorFile> {
  throwIfAborted(options.signal);
  const source = await fileSource(path);
  try {
    return await openVectorSource(source, options);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * All bytes of a file, such as a model's.
 *
 * @throws {FileError} if it cannot be read
 * @throws {ArgumentError} if it is larger than memory allows
 */
export async function readBytes(path: string, { signal }: ReadOptions = {}): Promise<Uint8Array> {
  throwIfAborted(signal);
  const source = await fileSource(path);
  try {
    return await withMemory(path, "check that this is the right file", () =>
      readExactly(source, 0, source.size),
    );
  } finally {
    await source.close();
  }
}

/**
 * The objects of a jsonl file, one per line, such as a catalogue's items.
 *
 * @throws {FileError} if it cannot be read
 * @throws {FormatError} naming a line that is no JSON object
 */
export async function readItems(path: string, { signal }: ReadOptions = {}): Promise<Item[]> {
  const source = await fileSource(path);
  try {
    return await readItemsFrom(source, signal);
  } finally {
    await source.close();
  }
}

/**
 * Reads codes from an `.npy` file.
 *
 * @param cardinalities of each column, as the model that made the codes gives them
 * @throws {FileError} if it cannot be read
 * @throws {FormatError} if it does not hold integers in that many columns
 * @throws {CodeRangeError} naming the first code outside its column's cardinality
 */
export async function readCodes(
  path: string,
  cardinalities: readonly number[],
  options: ReadOptions = {},
): Promise<Codes> {
  return decodeCodes(await readBytes(path, options), cardinalities, path);
}

/**
 * Writes codes to an `.npy` file, in the narrowest unsigned type that holds them.
 *
 * @throws {FileError} if it cannot be written
 */
export async function writeCodes(
  path: string,
  codes: Codes,
  options: WriteOptions = {},
): Promise<void> {
  await writeFileAtomic(path, encodeCodes(codes), options);
}
