/** Files that name drivers to Vulkan's loader in place of its folders, or beside them. */
const NAMED = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES"];

/**
 * Whether Vulkan has a driver on this Linux, by the places where its loader looks for them. Dawn, asked where there is
 * none, writes warnings to stderr that nothing can keep from there.
 *
 * @see https://github.com/KhronosGroup/Vulkan-Loader/blob/main/docs/LoaderDriverInterface.md
 */
export async function hasVulkanDriver(): Promise<boolean> {
  const { env } = process;
  if (NAMED.some((name) => env[name])) return true;
  const { readdir } = await import("node:fs/promises");
  const { homedir } = await import("node:os");
  const home = homedir();
  const listed = (name: string, otherwise: string): string[] =>
    (env[name] || otherwise).split(":").filter((folder) => folder !== "");
  const folders = [
    env["XDG_CONFIG_HOME"] || `${home}/.config`,
    ...listed("XDG_CONFIG_DIRS", "/etc/xdg"),
    "/usr/local/etc",
    "/etc",
    env["XDG_DATA_HOME"] || `${home}/.local/share`,
    ...listed("XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
  ];
  for (const folder of folders) {
    const files = await readdir(`${folder}/vulkan/icd.d`).catch((): string[] => []);
    if (files.some((file) => file.endsWith(".json"))) return true;
  }
  return false;
}
