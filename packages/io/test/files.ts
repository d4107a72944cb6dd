import { readdirSync, readFileSync } from "node:fs";
import type { ByteSource } from "../src/source.js";

/** The bytes of a golden file. */
export function golden(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`golden/${name}`, import.meta.url)));
}

/** A source in memory that never waits, and counts what is read. */
export function memorySource(bytes: Uint8Array, name: string): ByteSource & { bytesRead: number } {
  return {
    name,
    size: bytes.length,
    bytesRead: 0,
    async read(start, end) {
      this.bytesRead += end - start;
      return bytes.slice(start, end);
    },
  };
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** An npy file of version 1 with this header text and this many zero bytes of data. */
export function npyFile(header: string, dataBytes: number): Uint8Array {
  const text = utf8(header);
  const bytes = new Uint8Array(10 + text.length + dataBytes);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 0xff, text.length >> 8]);
  bytes.set(text, 10);
  return bytes;
}

/** Names of the golden files of Parquet and Arrow. */
export function columnarFiles(): string[] {
  return readdirSync(new URL("golden/columnar/", import.meta.url)).filter((name) =>
    /\.(parquet|arrow|feather)$/.test(name),
  );
}
