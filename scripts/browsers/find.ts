import { existsSync, readdirSync } from "node:fs";

/** A browser of this machine, or why there is none and what gets one. */
export type Found = { readonly path: string } | { readonly obstacle: string };

const PATHS = {
  Chromium: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
  Firefox: ["/usr/bin/firefox-esr", "/usr/bin/firefox"],
};

export const chromium = find("Chromium", "chromium");
export const firefox = find("Firefox", "firefox-esr");

function find(name: keyof typeof PATHS, debian: string): Found {
  const path = PATHS[name].find((candidate) => existsSync(candidate));
  if (path !== undefined) return { path };
  return { obstacle: `there is no ${name}; on Debian: apt-get install ${debian}` };
}

const DRIVERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/** Where Debian's chromium keeps SwiftShader, a Vulkan driver that computes on the CPU. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** What has Vulkan use SwiftShader where the machine has no other driver. */
export function vulkanEnvironment(): Readonly<Record<string, string>> {
  const others = DRIVERS.some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
  return others || !existsSync(SWIFTSHADER) ? {} : { VK_ICD_FILENAMES: SWIFTSHADER };
}
