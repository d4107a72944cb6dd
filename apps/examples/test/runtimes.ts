import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The program as a build leaves it: what a runtime gets that knows nothing of this repository's sources. */
export const PROGRAM = fileURLToPath(new URL("../dist/pipeline/main.js", import.meta.url));

const require = createRequire(import.meta.url);

/**
 * The executable of a runtime that npm ships as one package for each platform. Its install script, which would copy the
 * executable, does not run here.
 */
function executable(name: string, file: string): string | undefined {
  const manifest = require.resolve(`${name}/package.json`);
  const { optionalDependencies } = require(manifest) as {
    optionalDependencies: Readonly<Record<string, string>>;
  };
  const from = createRequire(manifest);
  for (const platform of Object.keys(optionalDependencies)) {
    try {
      const path = join(dirname(from.resolve(`${platform}/package.json`)), file);
      if (existsSync(path)) return path;
    } catch {
      // That of another platform.
    }
  }
  return undefined;
}

const suffix = process.platform === "win32" ? ".exe" : "";

/** How each runtime starts a program; nothing where npm has no build of it for this machine. */
export const RUNTIMES: Readonly<Record<"node" | "deno" | "bun", readonly string[] | undefined>> = {
  node: [process.execPath],
  deno: started(executable("deno", `deno${suffix}`), "run", "--allow-all", "--quiet"),
  bun: started(executable("bun", join("bin", `bun${suffix}`))),
};

function started(path: string | undefined, ...options: string[]): string[] | undefined {
  return path === undefined ? undefined : [path, ...options];
}

/** Runs the pipeline in another process, and returns what it printed. */
export async function runProgram(
  [runtime = "", ...options]: readonly string[],
  argv: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const env = { ...process.env, ...variables };
  const { stdout } = await promisify(execFile)(runtime, [...options, PROGRAM, ...argv], { env });
  return stdout;
}
