import { ArgumentError, FormatError, type Quantizers } from "@tessera/core";
import { SearchIndex } from "../search-index.js";
import { openIndexFile } from "./format.js";
import { storedChunks } from "./stored-chunk.js";

/**
 * Reads the bytes that `index.save()` wrote.
 *
 * @param quantizers what loads the model: made with the parts of its spec
 * @throws {FormatError} if they are no index, {@link VersionError} if it is newer than this build
 */
export async function loadIndex(
  bytes: Uint8Array,
  quantizers: Pick<Quantizers, "load">,
): Promise<SearchIndex> {
  const source = {
    name: "the file",
    size: bytes.length,
    read: async (start: number, end: number) => bytes.subarray(start, end),
  };
  const file = await openIndexFile(source, quantizers);
  const index = new SearchIndex(file.plan.model, file.plan.settings);
  const parts = [];
  for (const chunk of storedChunks(file)) parts.push(await chunk.readRows());
  try {
    index.restore(parts, file.nextId);
  } catch (cause) {
    if (!(cause instanceof ArgumentError)) throw cause;
    throw new FormatError(`the index's ids are not those of rows: ${cause.message}`, { cause });
  }
  return index;
}
