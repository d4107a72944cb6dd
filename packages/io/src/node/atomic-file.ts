import { constants } from "node:fs";
import { open, realpath, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AbortedError, throwIfAborted } from "@tessera/core";
import { notAFile } from "./file-source.js";
import { systemCode, withFileErrors } from "./system-error.js";

export interface WriteOptions {
  /** Stops the writing with an AbortedError; nothing is left behind. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A file that appears under its name only when it is complete: it is written beside it under a temporary name, flushed
 * to disk, and renamed. Until then a file that was there stays as it is.
 */
export interface AtomicFile {
  /** Appends bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** Overwrites bytes that were written before. */
  writeAt(bytes: Uint8Array, position: number): Promise<void>;
}

/**
 * Writes a whole file or none: see {@link AtomicFile}.
 *
 * @param content the bytes, or pieces of them as they come
 * @throws {FileError} if the folder is missing or protected, the disk is full, or the path is no file
 * @throws {AbortedError} if the signal fires; the temporary file is removed, as it is after any error
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  options: WriteOptions = {},
): Promise<void> {
  await writeAtomically(path, options, async (file) => {
    if (content instanceof Uint8Array) await file.write(content);
    else for await (const bytes of content) await file.write(bytes);
  });
}

/** Runs `body` on a new file at `path`, and completes it when `body` is done, or removes it when `body` throws. */
export async function writeAtomically<T>(
  path: string,
  { signal }: WriteOptions,
  body: (file: AtomicFile) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const { target, mode } = await findTarget(path);
  const { handle, temporary } = await createBeside(target, path);
  const abort = abortion(signal);
  try {
    if (mode !== undefined) await withFileErrors("write", path, () => handle.chmod(mode));
    let size = 0;
    const writing = body({
      async write(bytes) {
        throwIfAborted(signal);
        await withFileErrors("write", path, () => writeFully(handle, bytes, size));
        size += bytes.length;
      },
      writeAt: (bytes, position) =>
        withFileErrors("write", path, () => writeFully(handle, bytes, position)),
    });
    // A producer that waits for something else must not keep the temporary file alive.
    const result = await Promise.race([writing, abort.promise]);
    await withFileErrors("write", path, () => handle.sync());
    await withFileErrors("write", path, () => handle.close());
    throwIfAborted(signal);
    await withFileErrors("write", path, () => rename(temporary, target));
    await syncFolder(dirname(target));
    return result;
  } catch (error) {
    // What went wrong first is what the caller needs to know; closing twice is harmless.
    await handle.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    abort.stop();
  }
}

/** A promise that rejects when the signal fires, until it is stopped. */
function abortion(signal: AbortSignal | undefined): {
  promise: Promise<never>;
  stop: () => void;
} {
  let onAbort = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => reject(new AbortedError(signal?.reason));
    if (signal?.aborted) onAbort();
  });
  promise.catch(() => undefined);
  signal?.addEventListener("abort", onAbort);
  return { promise, stop: () => signal?.removeEventListener("abort", onAbort) };
}

/** Where the bytes go: through a link to the file it names, so that the link stays. */
async function findTarget(path: string): Promise<{ target: string; mode: number | undefined }> {
  return withFileErrors("write", path, async () => {
    let target: string;
    try {
      target = await realpath(path);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return { target: path, mode: undefined };
      throw error;
    }
    const found = await stat(target);
    if (!found.isFile()) throw notAFile(path, "write", found.isDirectory());
    return { target, mode: found.mode & 0o777 };
  });
}

/** Names are numbered, not random; one left by a killed process of the same number is stepped over. */
async function createBeside(
  target: string,
  path: string,
): Promise<{ handle: FileHandle; temporary: string }> {
  return withFileErrors("write", path, async () => {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR;
    for (let i = 0; ; i++) {
      const temporary = join(dirname(target), `.tessera-${process.pid}-${i}.tmp`);
      try {
        const handle = await open(temporary, flags);
        return { handle, temporary };
      } catch (error) {
        if (systemCode(error) !== "EEXIST") throw error;
      }
    }
  });
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, undefined, position + done);
    done += bytesWritten;
  }
}

/** Makes the rename itself survive a crash. Some systems (Windows) cannot open a folder; there it is left to them. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch {
    // The file is complete and in place either way.
  }
}
