import { spawn } from "node:child_process";

export interface CommandOptions {
  readonly cwd?: string;
  readonly signal: AbortSignal;
  readonly limitSeconds: number;
}

/**
 * Runs a command to its end.
 *
 * @returns what it wrote to stdout
 * @throws {Error} with the last lines that it wrote, if it fails or does not end in time
 */
export function runCommand(
  command: string,
  args: readonly string[],
  { cwd, signal, limitSeconds }: CommandOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      signal: AbortSignal.any([signal, AbortSignal.timeout(limitSeconds * 1000)]),
      stdio: ["ignore", "pipe", "pipe"],
      // On Windows npm is a script, which only a shell starts.
      shell: process.platform === "win32",
    });
    let stdout = "";
    let all = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      all += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (all += text));
    child.on("error", (error) =>
      reject(
        error.name === "AbortError" && !signal.aborted
          ? new Error(`${command} took more than ${limitSeconds} s`)
          : error,
      ),
    );
    child.on("close", (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(all.trim().split("\n").slice(-3).join("\n") || `status ${code}`));
    });
  });
}
