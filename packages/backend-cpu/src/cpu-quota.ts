/** A file's text, or undefined if it cannot be read. */
export type ReadText = (path: string) => string | undefined;

/**
 * Whole processors that the container of this process may use, rounded up: the least quota of its control group and those
 * above. Infinity without one.
 *
 * Node counts the processors that a process may be scheduled on. A container that is given two of sixty-four is still
 * scheduled on all of them, and sixty-four threads would spend most of each period stopped.
 */
export function cpuQuota(read: ReadText = readFile): number {
  // Lines are "0::/path" for version 2, and "4:cpu,cpuacct:/path" for the hierarchies of version 1.
  const groups = (read("/proc/self/cgroup") ?? "").split("\n").map((line) => line.split(":"));
  const pathOf = (controllers: (names: string) => boolean): string =>
    groups.find((group) => group.length >= 3 && controllers(group[1]!))?.[2] ?? "/";
  const unified = ancestors(pathOf((names) => names === "")).map((path) => {
    const [quota, period] = (read(`/sys/fs/cgroup${path}/cpu.max`) ?? "max").trim().split(" ");
    return ratio(quota, period);
  });
  const legacy = ancestors(pathOf((names) => names.split(",").includes("cpu"))).map((path) =>
    ratio(
      read(`/sys/fs/cgroup/cpu${path}/cpu.cfs_quota_us`),
      read(`/sys/fs/cgroup/cpu${path}/cpu.cfs_period_us`),
    ),
  );
  return Math.max(1, Math.ceil(Math.min(...unified, ...legacy)));
}

/** A path and all above it, up to the root. Inside a container some may not be there to read. */
function ancestors(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return Array.from({ length: parts.length + 1 }, (_, length) =>
    ["", ...parts.slice(0, length)].join("/"),
  );
}

/** Processors of a quota in microseconds per period; Infinity for "max", −1 or nothing. */
function ratio(quota: string | undefined, period: string | undefined): number {
  const processors = Number(quota) / Number(period);
  return processors > 0 ? processors : Infinity;
}

function readFile(path: string): string | undefined {
  try {
    return process.getBuiltinModule("node:fs").readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
