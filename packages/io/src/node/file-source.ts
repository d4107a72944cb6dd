import { open, type FileHandle } from "node:fs/promises";
import { FileError } from "../errors.js";
import type { ByteSource } from "../source.js";
import { withFileErrors } from "./system-error.js";

/** Most bytes that one system call is asked for. */
const MAX_READ = 2 ** 30;

/**
 * A file to read piece by piece. Close it when done.
 *
 * @throws {FileError} if it cannot be opened, or is a folder or device
 */
export async function fileSource(path: string): Promise<ByteSource & { close(): Promise<void> }> {
  const handle = await withFileErrors("read", path, () => open(path, "r"));
  try {
    const stat = await withFileErrors("read", path, () => handle.stat());
    if (!stat.isFile()) throw notAFile(path, "read", stat.isDirectory());
    return {
      name: path,
      size: stat.size,
      read: (start, end) => withFileErrors("read", path, () => readRange(handle, start, end)),
      readInto: (start, target) => withFileErrors("read", path, () => fill(handle, start, target)),
      close: () => withFileErrors("read", path, () => handle.close()),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export function notAFile(path: string, verb: "read" | "write", folder: boolean): FileError {
  return folder
    ? new FileError(path, "EISDIR", `cannot ${verb} ${path}: it is a folder`, {
        hint: "name a file in it",
      })
    : new FileError(path, "EINVAL", `cannot ${verb} ${path}: it is a device or pipe, not a file`, {
        hint: "use a regular file",
      });
}

/** A file that ends early gives fewer bytes; the caller says so. */
async function readRange(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  return bytes.subarray(0, await fill(handle, start, bytes));
}

async function fill(handle: FileHandle, start: number, target: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const length = Math.min(MAX_READ, target.length - filled);
    const { bytesRead } = await handle.read(target, filled, length, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
