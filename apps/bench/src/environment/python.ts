import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.js";

export interface PythonOptions {
  /** An interpreter to use as it is, in place of an environment of the bench's own. */
  readonly given: string | undefined;
  /** Where the bench's own environment is, or is to be. */
  readonly folder: string;
  /** Packages by name, one a line. */
  readonly requirements: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const LEAST = [3, 9] as const;
const INSTALL_LIMIT_SECONDS = 1800;

/**
 * The Python to run peers with: the given one, or that of a virtual environment with the newest wheels, which is made
 * once. A package that does not install is said, and its contender is skipped later when it does not start.
 *
 * @throws {Error} if there is no Python to use
 */
export async function preparePython(options: PythonOptions): Promise<string> {
  const { given, folder, requirements, signal, say } = options;
  if (given !== undefined) {
    await checkVersion(given, signal);
    return given;
  }
  const windows = process.platform === "win32";
  const python = join(folder, windows ? "Scripts/python.exe" : "bin/python");
  const stamp = join(folder, "installed");
  const wanted = readFileSync(requirements, "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return python;
  const base = await findPython(windows ? ["python", "py"] : ["python3", "python"], signal);
  say(`making a virtual environment in ${folder}`);
  await runCommand(base, ["-m", "venv", "--clear", folder], { signal, limitSeconds: 120 });
  let complete = true;
  for (const name of wanted.split("\n").filter((line) => line !== "")) {
    say(`pip install ${name}`);
    try {
      // Wheels only: building one from source would measure this machine's compiler.
      const args = ["-m", "pip", "install", "--quiet", "--only-binary=:all:", name];
      await runCommand(python, args, { signal, limitSeconds: INSTALL_LIMIT_SECONDS });
    } catch (error) {
      signal.throwIfAborted();
      complete = false;
      say(`  ${name} did not install: ${(error as Error).message}`);
    }
  }
  if (complete) writeFileSync(stamp, wanted);
  return python;
}

async function findPython(names: readonly string[], signal: AbortSignal): Promise<string> {
  const problems: string[] = [];
  for (const name of names) {
    try {
      await checkVersion(name, signal);
      return name;
    } catch (error) {
      signal.throwIfAborted();
      problems.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw new Error(`no Python ${LEAST.join(".")} or newer (${problems.join("; ")})`);
}

async function checkVersion(python: string, signal: AbortSignal): Promise<void> {
  const script = "import sys; print(sys.version_info[0], sys.version_info[1])";
  const stdout = await runCommand(python, ["-c", script], { signal, limitSeconds: 30 });
  const [major = 0, minor = 0] = stdout.split(" ").map(Number);
  if (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
    throw new Error(`it is version ${major}.${minor}, and ${LEAST.join(".")} is needed`);
  }
}
