import { existsSync } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  AbortedError,
  ArgumentError,
  Codes,
  DisposedError,
  FormatError,
  ShapeError,
} from "@tessera/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { golden, utf8 } from "../test/files.js";
import { FileError } from "./errors.js";
import {
  openVectors,
  readBytes,
  readCodes,
  readItems,
  writeCodes,
  writeFileAtomic,
  writeNpy,
  writeNpyRows,
} from "./node.js";
import { toFileError } from "./node/system-error.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tessera-io-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const SIGNED = [0, 1, 2, -3, -4, -5];

/** Pieces of a file, the last of which does something first. */
async function* pieces(before: () => unknown): AsyncGenerator<Uint8Array> {
  yield utf8("one ");
  await before();
  yield utf8("two");
}

describe("openVectors", () => {
  it("reads a file again and again until it is closed", async () => {
    const path = join(folder, "x.npy");
    await writeNpy(path, Float32Array.from(SIGNED), [2, 3]);
    const file = await openVectors(path, { batchRows: 1 });
    expect((await file.readAll()).data).toEqual(Float32Array.from(SIGNED));
    expect((await file.readAll()).data).toEqual(Float32Array.from(SIGNED));
    await file.close();
    await file.close();
    await expect(file.readAll()).rejects.toThrow(DisposedError);
  });

  it("says when the file was cut while it was open", async () => {
    const path = join(folder, "x.npy");
    await writeNpy(path, Float32Array.from(SIGNED), [2, 3]);
    const file = await openVectors(path);
    await truncate(path, 130);
    await expect(file.readAll()).rejects.toThrow(/gave 2 bytes at 128 where 24 were expected/);
    await file.close();
    await expect(openVectors(path)).rejects.toThrow(FormatError);
  });

  it("says what is wrong with a path", async () => {
    const missing = join(folder, "no.npy");
    await expect(openVectors(missing)).rejects.toThrow(`cannot read ${missing}: it does not exist`);
    await expect(openVectors(missing)).rejects.toMatchObject({
      name: "FileError",
      code: "file",
      path: missing,
      reason: "ENOENT",
    });
    await expect(openVectors(folder)).rejects.toThrow(`cannot read ${folder}: it is a folder`);
    await writeFile(join(folder, "file"), "x");
    await expect(readBytes(join(folder, "file", "x"))).rejects.toMatchObject({ reason: "ENOTDIR" });
  });

  it.skipIf(!existsSync("/dev/null"))("refuses a device, here /dev/null", async () => {
    await expect(openVectors("/dev/null")).rejects.toThrow(/device or pipe/);
    await expect(writeFileAtomic("/dev/null", utf8("x"))).rejects.toThrow(/device or pipe/);
  });

  const words = fileURLToPath(
    new URL("../../../../shared/data/industrial/embeddings.npy", import.meta.url),
  );
  it.skipIf(!existsSync(words))("reads real embeddings (needs ../shared/data)", async () => {
    const file = await openVectors(words, { batchRows: 1000 });
    expect([file.rows, file.cols]).toEqual([3686, 512]);
    let worst = 0;
    for await (const { data, rows } of file) {
      for (let i = 0; i < rows; i++) {
        const row = data.subarray(512 * i, 512 * (i + 1));
        worst = Math.max(worst, Math.abs(1 - Math.hypot(...row)));
      }
    }
    await file.close();
    expect(worst).toBeLessThan(1e-5);
  });
});

describe("writeFileAtomic", () => {
  it("writes bytes and streams, and leaves nothing else behind", async () => {
    await writeFileAtomic(join(folder, "a"), utf8("one"));
    await writeFileAtomic(
      join(folder, "b"),
      pieces(() => undefined),
    );
    expect(await readFile(join(folder, "b"), "utf8")).toBe("one two");
    expect((await readdir(folder)).sort()).toEqual(["a", "b"]);
  });

  it("keeps the old file, and removes the new one, when the stream fails", async () => {
    const path = join(folder, "a");
    await writeFileAtomic(path, utf8("old"));
    const failing = pieces(async () => {
      expect(await readdir(folder)).toHaveLength(2);
      throw new ShapeError("broken");
    });
    await expect(writeFileAtomic(path, failing)).rejects.toThrow(ShapeError);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["a"]);
  });

  it("stops when aborted, before, while and between pieces", async () => {
    const path = join(folder, "a");
    const before = AbortSignal.abort();
    await expect(writeFileAtomic(path, utf8("x"), { signal: before })).rejects.toThrow(
      AbortedError,
    );
    const between = new AbortController();
    const aborting = pieces(() => between.abort());
    await expect(writeFileAtomic(path, aborting, { signal: between.signal })).rejects.toThrow(
      AbortedError,
    );
    const stuck = new AbortController();
    const hanging = pieces(() => {
      setTimeout(() => stuck.abort(), 0);
      return new Promise(() => undefined);
    });
    await expect(writeFileAtomic(path, hanging, { signal: stuck.signal })).rejects.toThrow(
      AbortedError,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it("steps over what a killed process left", async () => {
    await writeFile(join(folder, `.tessera-${process.pid}-0.tmp`), "left");
    await writeFileAtomic(join(folder, "a"), utf8("x"));
    expect((await readdir(folder)).sort()).toEqual([`.tessera-${process.pid}-0.tmp`, "a"]);
  });

  it("lets several writers at one file each leave a whole one", async () => {
    const path = join(folder, "a");
    const texts = ["one", "two", "three"];
    await Promise.all(texts.map((text) => writeFileAtomic(path, utf8(text))));
    expect(texts).toContain(await readFile(path, "utf8"));
    expect(await readdir(folder)).toEqual(["a"]);
  });

  it.skipIf(process.platform === "win32")("keeps the mode of a file, and links to it", async () => {
    const path = join(folder, "a");
    await writeFile(path, "old");
    await chmod(path, 0o600);
    await symlink("a", join(folder, "link"));
    await writeFileAtomic(join(folder, "link"), utf8("new"));
    expect(await readFile(path, "utf8")).toBe("new");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await lstat(join(folder, "link"))).isSymbolicLink()).toBe(true);
  });

  it("says what is wrong with a path", async () => {
    const path = join(folder, "no", "a");
    await expect(writeFileAtomic(path, utf8("x"))).rejects.toThrow(
      `cannot write ${path}: there is no folder ${join(folder, "no")}`,
    );
    await expect(writeFileAtomic(folder, utf8("x"))).rejects.toMatchObject({ reason: "EISDIR" });
    const long = join(folder, "x".repeat(300));
    await expect(writeFileAtomic(long, utf8("x"))).rejects.toThrow(/the name is too long/);
    expect(await readdir(folder)).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === "win32")(
    "says when the folder is protected (not as root, who may write anywhere)",
    async () => {
      const locked = join(folder, "locked");
      await mkdir(locked, { mode: 0o500 });
      const writing = writeFileAtomic(join(locked, "a"), utf8("x"));
      await expect(writing).rejects.toThrow(/permission denied/);
      await expect(writing).rejects.toMatchObject({ reason: "EACCES" });
    },
  );
});

describe("toFileError", () => {
  const failure = (code: string): Error =>
    Object.assign(new Error(`${code}: x`), { code, syscall: "open" });
  it.each([
    ["EACCES", /^cannot write a\/b: permission denied$/],
    ["EROFS", /^cannot write a\/b: the file system is read-only$/],
    ["ENOSPC", /^cannot write a\/b: the disk is full$/],
    ["EWEIRD", /^cannot write a\/b: the system says EWEIRD$/],
  ])("puts %s in words", (code, message) => {
    const error = toFileError(failure(code), "write", "a/b") as FileError;
    expect(error).toBeInstanceOf(FileError);
    expect(error.message).toMatch(message);
    expect(error.reason).toBe(code);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it("leaves other errors as they are", () => {
    const other = new TypeError("x");
    expect(toFileError(other, "read", "a")).toBe(other);
  });
});

describe("npy files", () => {
  async function* batches<T>(...arrays: T[]): AsyncGenerator<T> {
    yield* arrays;
  }

  it("are written whole", async () => {
    const path = join(folder, "x.npy");
    await writeNpy(path, Float32Array.from(SIGNED), [2, 3]);
    expect(await readBytes(path)).toEqual(golden("f4-le.npy"));
    await writeNpy(path, Float32Array.from(SIGNED), [2, 3], { half: true });
    expect(await readBytes(path)).toEqual(golden("f2-le.npy"));
  });

  it("are written row by row to the same bytes, without the number of rows beforehand", async () => {
    const path = join(folder, "x.npy");
    const halves = batches(Float32Array.of(0, 1, 2), Float32Array.of(-3, -4, -5));
    expect(await writeNpyRows(path, halves, 3)).toBe(2);
    expect(await readBytes(path)).toEqual(golden("f4-le.npy"));
    expect(await writeNpyRows(path, [], 5)).toBe(0);
    expect(await readBytes(path)).toEqual(golden("empty.npy"));
  });

  it("are not written of rows that do not fit one another", async () => {
    const path = join(folder, "x.npy");
    await expect(writeNpyRows(path, [new Float32Array(4)], 3)).rejects.toThrow(ShapeError);
    await expect(writeNpyRows(path, [new Float32Array(4)], 0)).rejects.toThrow(ArgumentError);
    const mixed = [new Float32Array(3), new Uint8Array(3)];
    await expect(writeNpyRows(path, mixed, 3)).rejects.toThrow(
      "a batch is U8, those before it are F32",
    );
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("codes and items", () => {
  it("are written and read", async () => {
    const codes = new Codes([1, 2, 3, 255], [4, 256]);
    await writeCodes(join(folder, "codes.npy"), codes);
    expect(await readCodes(join(folder, "codes.npy"), [4, 256])).toEqual(codes);
    await expect(readCodes(join(folder, "codes.npy"), [4])).rejects.toThrow(/codes.npy has shape/);
    await writeFile(join(folder, "items.jsonl"), '{"id":"a"}\n');
    expect(await readItems(join(folder, "items.jsonl"))).toEqual([{ id: "a" }]);
    const signal = AbortSignal.abort();
    await expect(readItems(join(folder, "items.jsonl"), { signal })).rejects.toThrow(AbortedError);
  });
});
