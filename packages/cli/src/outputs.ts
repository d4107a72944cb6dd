import { closeSync, openSync, unlinkSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { FileError } from "@tessera/io";
import { UsageError } from "./args/usage-error.js";

/** A file that a command will write, under the option that names it. */
export interface PlannedOutput {
  readonly option: string;
  readonly path: string;
}

/**
 * Checks what is to be written before any work is done for it, so that no long run fails at its end: the folder is there
 * and can be written to, the path is no folder, and no file is written that is read or written under another name too.
 *
 * @param inputs paths that the command reads
 * @throws {UsageError} for a path that is used twice
 * @throws {FileError} for a path that cannot be written
 */
export async function checkOutputs(
  outputs: readonly PlannedOutput[],
  inputs: readonly string[],
): Promise<void> {
  const used = new Map<string, string>();
  for (const input of inputs) used.set(await canonical(input), "the input");
  for (const { option, path } of outputs) {
    const place = await canonical(path);
    const other = used.get(place);
    if (other !== undefined) {
      throw new UsageError(`--${option} ${path} is ${other}, too`, "name another file");
    }
    used.set(place, `the file of --${option}`);
    await checkWritable(path);
  }
}

async function checkWritable(path: string): Promise<void> {
  const folder = dirname(path);
  const found = await kindOf(folder);
  if (found === "nothing") {
    throw new FileError(path, "ENOENT", `cannot write ${path}: there is no folder ${folder}`, {
      hint: `create it first: mkdir -p ${folder}`,
    });
  }
  if (found !== "folder") {
    throw new FileError(
      path,
      "ENOTDIR",
      `cannot write ${path}: ${folder} is a file, not a folder`,
      {
        hint: "check the path",
      },
    );
  }
  const own = await kindOf(path);
  if (own === "folder") {
    throw new FileError(path, "EISDIR", `cannot write ${path}: it is a folder`, {
      hint: "name a file in it",
    });
  }
  if (own === "device") {
    throw new FileError(
      path,
      "EINVAL",
      `cannot write ${path}: it is a device or pipe, not a file`,
      {
        hint: "use a regular file",
      },
    );
  }
  try {
    tryFolder(folder);
  } catch (cause) {
    throw new FileError(path, "EACCES", `cannot write ${path}: the folder ${folder} is read-only`, {
      hint: "write somewhere else, or change its permissions",
      cause,
    });
  }
}

/**
 * Makes a file and removes it. Asking for permissions is not enough: root has them all, on read-only file systems, too.
 * Synchronous, so that no signal can come between the two.
 */
function tryFolder(folder: string): void {
  const probe = join(folder, `.tessera-${process.pid}-probe.tmp`);
  closeSync(openSync(probe, "w"));
  unlinkSync(probe);
}

/** Whether a path leads to something, links followed. */
export async function kindOf(path: string): Promise<"file" | "folder" | "device" | "nothing"> {
  try {
    const found = await stat(path);
    return found.isFile() ? "file" : found.isDirectory() ? "folder" : "device";
  } catch {
    return "nothing";
  }
}

/** One name for one place, also for a file that is not there yet. */
async function canonical(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    try {
      return join(await realpath(dirname(path)), basename(path));
    } catch {
      return resolve(path);
    }
  }
}
