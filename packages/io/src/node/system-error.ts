import { dirname } from "node:path";
import { FileError } from "../errors.js";

/** What the usual failures mean, in the words of the error message. */
const REASONS: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ENOENT: ["it does not exist", "check the path"],
  ENOTDIR: ["part of the path is a file, not a folder", "check the path"],
  EISDIR: ["it is a folder", "name a file in it"],
  EACCES: ["permission denied", "check the permissions of the file and its folder"],
  EPERM: ["permission denied", "check the permissions of the file and its folder"],
  EROFS: ["the file system is read-only", "write somewhere else"],
  ENOSPC: ["the disk is full", "free some space and try again"],
  EDQUOT: ["the disk quota is used up", "free some space and try again"],
  EMFILE: ["too many files are open", "close some and try again"],
  ENAMETOOLONG: ["the name is too long", "use a shorter name"],
  ELOOP: ["its links lead in a circle", "check the links"],
};

/** A system error as a {@link FileError}; anything else as it is. */
export function toFileError(error: unknown, verb: "read" | "write", path: string): unknown {
  const reason = systemCode(error);
  if (reason === undefined) return error;
  const cause = { cause: error };
  if (reason === "ENOENT" && verb === "write") {
    return new FileError(
      path,
      reason,
      `cannot write ${path}: there is no folder ${dirname(path)}`,
      {
        hint: "create the folder first",
        ...cause,
      },
    );
  }
  const [what, hint] = REASONS[reason] ?? [`the system says ${reason}`, undefined];
  return new FileError(path, reason, `cannot ${verb} ${path}: ${what}`, {
    ...(hint !== undefined && { hint }),
    ...cause,
  });
}

/** Runs `body` with its system errors made {@link FileError}s. */
export async function withFileErrors<T>(
  verb: "read" | "write",
  path: string,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw toFileError(error, verb, path);
  }
}

/** `ENOENT` and the like; `undefined` for what is no error of the system. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error)) return undefined;
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
