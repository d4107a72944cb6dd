import { describe, expect, it } from "vitest";
import { cpuQuota } from "./cpu-quota.js";

const reading = (files: Record<string, string>) => (path: string) => files[path];

describe("cpuQuota", () => {
  it("is the least of a control group and those above it", () => {
    const files = {
      "/proc/self/cgroup": "0::/pods/one\n",
      "/sys/fs/cgroup/pods/cpu.max": "600000 100000\n",
      "/sys/fs/cgroup/pods/one/cpu.max": "250000 100000\n",
    };
    expect(cpuQuota(reading(files))).toBe(3);
    expect(cpuQuota(reading({ ...files, "/sys/fs/cgroup/pods/cpu.max": "50000 100000" }))).toBe(1);
  });

  it("finds the group of a container that sees itself as the root", () => {
    expect(
      cpuQuota(
        reading({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "200000 100000" }),
      ),
    ).toBe(2);
  });

  it("reads version 1", () => {
    const files = {
      "/proc/self/cgroup": "5:memory:/m\n4:cpu,cpuacct:/docker/x\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "400000\n",
      "/sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000\n",
    };
    expect(cpuQuota(reading(files))).toBe(4);
  });

  it("is no limit where there is none, or nothing that can be read", () => {
    expect(cpuQuota(reading({}))).toBe(Infinity);
    expect(cpuQuota(reading({ "/sys/fs/cgroup/cpu.max": "max 100000\n" }))).toBe(Infinity);
    expect(cpuQuota(reading({ "/sys/fs/cgroup/cpu.max": "garbage" }))).toBe(Infinity);
  });
});
