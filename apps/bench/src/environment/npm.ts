import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.js";

/**
 * Installs the peers from npm beside their drivers, once.
 *
 * They are no dependencies of the workspace, which would make every contributor fetch them. No install script runs: all
 * of them are whole without one (usearch carries its binaries in the package and picks one when it is loaded).
 *
 * @throws {Error} with npm's own message
 */
export async function prepareNpm(
  folder: string,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<undefined> {
  const stamp = join(folder, "node_modules", ".installed");
  const wanted = readFileSync(join(folder, "package.json"), "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return undefined;
  say(`npm install in ${folder}`);
  const flags = ["--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"];
  const options = { cwd: folder, signal, limitSeconds: 600 };
  await runCommand("npm", ["install", ...flags], options);
  writeFileSync(stamp, wanted);
  return undefined;
}
