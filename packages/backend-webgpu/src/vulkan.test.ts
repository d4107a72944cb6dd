import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hasVulkanDriver } from "./vulkan.js";

describe("a Vulkan driver", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tessera-vulkan-"));
    for (const name of ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"]) {
      vi.stubEnv(name, undefined);
    }
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  it("is found in any folder that the loader is told of", async () => {
    vi.stubEnv("XDG_DATA_DIRS", `/nowhere::${folder}`);
    await mkdir(join(folder, "vulkan", "icd.d"), { recursive: true });
    await writeFile(join(folder, "vulkan", "icd.d", "README"), "");
    const without = await hasVulkanDriver();
    await writeFile(join(folder, "vulkan", "icd.d", "some_icd.json"), "{}");
    expect(await hasVulkanDriver()).toBe(true);
    // Unless this machine has a driver elsewhere.
    vi.stubEnv("XDG_DATA_DIRS", "/nowhere");
    expect(await hasVulkanDriver()).toBe(without);
  });

  it("may be named by a file", async () => {
    vi.stubEnv("VK_ICD_FILENAMES", join(folder, "any.json"));
    expect(await hasVulkanDriver()).toBe(true);
  });
});
