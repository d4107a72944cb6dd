import { spawnSync } from "node:child_process";

/** The Python to ask, as `TESSERA_PYTHON` or the PATH names it. */
const CANDIDATES = [process.env["TESSERA_PYTHON"], "python3", "python"];

/** A Python that can import these modules, if there is one. */
export function pythonWith(...modules: readonly string[]): string | undefined {
  return CANDIDATES.find(
    (name) =>
      name !== undefined &&
      spawnSync(name, ["-c", `import ${modules.join(", ")}`], { stdio: "ignore" }).status === 0,
  );
}

/** Runs a script and gives what it prints. @throws with what it says on stderr if it fails */
export function runPython(python: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(python, args, {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    env: { ...process.env, OMP_NUM_THREADS: "1" },
  });
  if (status !== 0) throw new Error(`${python} ${args[0]} failed: ${stderr}`);
  return stdout;
}
