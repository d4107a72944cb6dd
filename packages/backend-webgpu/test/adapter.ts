import { vulkanEnvironment } from "../../../scripts/browsers/find.js";
import { tryToStart } from "./start.js";

/**
 * Has Vulkan use SwiftShader where the machine has no other driver. Must run before the first adapter is asked for.
 *
 * @returns why there is no adapter and what gets one, or `undefined` if there is one
 */
export async function findAdapter(): Promise<string | undefined> {
  for (const [name, value] of Object.entries(vulkanEnvironment())) process.env[name] ??= value;
  const { backend, obstacle } = await tryToStart();
  backend?.dispose();
  return obstacle && `${obstacle}; on Debian: apt-get install chromium libvulkan1`;
}
