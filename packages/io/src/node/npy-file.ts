import { ArgumentError, ShapeError } from "@tessera/core";
import type { HostDType } from "@tessera/core";
import { encodeNpy, encodeNpyHeader, npyElements } from "../npy.js";
import type { EncodeNpyOptions, NpyData } from "../npy.js";
import { writeAtomically, writeFileAtomic, type WriteOptions } from "./atomic-file.js";

export interface WriteNpyOptions extends WriteOptions, EncodeNpyOptions {}

/**
 * Writes an array to an `.npy` file.
 *
 * @param shape row-major; one dimension by default
 * @throws {ShapeError} if the data do not fill the shape
 * @throws {FileError} if the file cannot be written
 */
export async function writeNpy(
  path: string,
  data: NpyData,
  shape?: readonly number[],
  options: WriteNpyOptions = {},
): Promise<void> {
  await writeFileAtomic(path, encodeNpy(data, shape, options), options);
}

/**
 * Writes rows to an `.npy` file as they come; their number need not be known beforehand.
 *
 * @param batches row-major, each of whole rows and all of one array type; with none, the file is of float32
 * @param cols columns of each row
 * @returns the number of rows
 * @throws {ShapeError} if a batch is not of whole rows
 * @throws {FileError} if the file cannot be written
 */
export async function writeNpyRows(
  path: string,
  batches: AsyncIterable<NpyData> | Iterable<NpyData>,
  cols: number,
  options: WriteNpyOptions = {},
): Promise<number> {
  if (!Number.isSafeInteger(cols) || cols < 1) {
    throw new ArgumentError(`cols is ${cols}; it must be an integer from 1`);
  }
  return writeAtomically(path, options, async (file) => {
    let rows = 0;
    let dtype: HostDType | undefined;
    for await (const batch of batches) {
      const elements = npyElements(batch, options);
      if (dtype === undefined) await file.write(encodeNpyHeader(elements.dtype, [0, cols]));
      dtype ??= elements.dtype;
      if (elements.dtype !== dtype) {
        throw new ArgumentError(`a batch is ${elements.dtype}, those before it are ${dtype}`);
      }
      if (batch.length % cols !== 0) {
        throw new ShapeError(`a batch of ${batch.length} values does not fill rows of ${cols}`);
      }
      await file.write(elements.bytes);
      rows += batch.length / cols;
    }
    // The header has one length whatever the number of rows.
    if (dtype === undefined) await file.write(encodeNpyHeader("F32", [0, cols]));
    else await file.writeAt(encodeNpyHeader(dtype, [rows, cols]), 0);
    return rows;
  });
}
