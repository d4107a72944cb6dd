/** Index files in Node: `@tessera/search/node`. */
import type { Quantizers } from "@tessera/core";
import { fileSource } from "@tessera/io/node";
import { StoredIndex } from "./file/stored-index.js";
import { openIndexFile } from "./file/format.js";

/** An index in a file, to be closed when done. */
export class IndexFileHandle extends StoredIndex {
  readonly #close: () => Promise<void>;

  constructor(file: ConstructorParameters<typeof StoredIndex>[0], close: () => Promise<void>) {
    super(file);
    this.#close = close;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/**
 * Opens an index file without reading its rows: they are read as they are searched, some 65,536 at a time, and with lists
 * only around those visited. Close it when done.
 *
 * @param quantizers what loads the model: made with the parts of its spec
 * @throws {FileError} if it cannot be read, {@link FormatError} if it is no index
 */
export async function openIndex(
  path: string,
  quantizers: Pick<Quantizers, "load">,
): Promise<IndexFileHandle> {
  const source = await fileSource(path);
  try {
    return new IndexFileHandle(await openIndexFile(source, quantizers), () => source.close());
  } catch (error) {
    await source.close();
    throw error;
  }
}
