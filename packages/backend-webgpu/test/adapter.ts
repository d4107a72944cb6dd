import { existsSync, readdirSync } from "node:fs";
import { createWebGpuBackend } from "../src/index.js";

/** Where Debian's chromium keeps SwiftShader, which computes on the CPU. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

const DRIVERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/**
 * Has Vulkan use SwiftShader where the machine has no other driver. Must run before the first adapter is asked for.
 *
 * @returns why there is no adapter and what gets one, or `undefined` if there is one
 */
export async function findAdapter(): Promise<string | undefined> {
  const others = DRIVERS.some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
  if (!others && existsSync(SWIFTSHADER)) process.env["VK_ICD_FILENAMES"] ??= SWIFTSHADER;
  try {
    const backend = await createWebGpuBackend();
    backend.dispose();
    return undefined;
  } catch (error) {
    return `${(error as Error).message}; on Debian: apt-get install chromium libvulkan1`;
  }
}
