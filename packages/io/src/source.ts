import { FormatError } from "@tessera/core";
import { FileError } from "./errors.js";

/** Bytes that can be read piece by piece: a file, a `Blob`, or an array in memory. */
export interface ByteSource {
  /** What errors call it: a path or file name. Its extension helps to tell the format. */
  readonly name: string;
  /** Total number of bytes. */
  readonly size: number;
  /** Bytes `start..end`, exactly; both lie within the size. Several reads may be under way at once. */
  read(start: number, end: number): Promise<Uint8Array>;
  /** Fills `target` with the bytes from `start` on, where that saves an array; returns how many there were. */
  readInto?(start: number, target: Uint8Array): Promise<number>;
  /** Frees what the source holds, such as a file handle. */
  close?(): Promise<void>;
}

/** Bytes in memory. Large reads let the event loop turn, so that parsing never blocks a page for long. */
export function bytesSource(bytes: Uint8Array, name = "input"): ByteSource {
  return {
    name,
    size: bytes.length,
    async read(start, end) {
      if (end - start >= 2 ** 16) await new Promise((resolve) => setTimeout(resolve, 0));
      return bytes.subarray(start, end);
    },
  };
}

/**
 * A `Blob`, or a `File` that a visitor picked, read piece by piece: it is never in memory as a whole.
 *
 * @param name defaults to the name of a `File`, and to `input` for a `Blob`
 */
export function blobSource(blob: Blob & { readonly name?: string }, name?: string): ByteSource {
  const title = name ?? blob.name ?? "input";
  return {
    name: title,
    size: blob.size,
    async read(start, end) {
      try {
        return new Uint8Array(await blob.slice(start, end).arrayBuffer());
      } catch (cause) {
        throw new FileError(title, "NotReadable", `cannot read ${title}: the browser refused`, {
          hint: "choose the file again; it may have changed or been removed",
          cause,
        });
      }
    },
  };
}

/** `source.read`, with the size of the answer checked: a file may shrink while it is read. */
export async function readExactly(
  source: ByteSource,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const bytes = await source.read(start, end);
  checkCount(source, start, bytes.length, end - start);
  return bytes;
}

/** `source.readInto`, with the number of bytes checked; false if the source has no such thing. */
export async function fillExactly(
  source: ByteSource,
  start: number,
  target: Uint8Array,
): Promise<boolean> {
  if (source.readInto === undefined) return false;
  checkCount(source, start, await source.readInto(start, target), target.length);
  return true;
}

function checkCount({ name }: ByteSource, start: number, found: number, expected: number): void {
  if (found === expected) return;
  throw new FormatError(`${name} gave ${found} bytes at ${start} where ${expected} were expected`, {
    hint: "the file changed while it was read; try again",
  });
}
