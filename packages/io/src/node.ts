/**
 * Files, in Node: `@tessera/io/node`. Formats themselves are in `@tessera/io`, which runs in browsers too.
 */
export { writeFileAtomic, type WriteOptions } from "./node/atomic-file.js";
export { fileSource } from "./node/file-source.js";
export { writeNpy, writeNpyRows, type WriteNpyOptions } from "./node/npy-file.js";
export {
  openVectors,
  readBytes,
  readCodes,
  readItems,
  writeCodes,
  type ReadOptions,
} from "./node/files.js";
