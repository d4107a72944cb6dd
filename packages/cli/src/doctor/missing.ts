import { existsSync, readdirSync } from "node:fs";
import type { BackendInfo } from "@tessera/core";
import type { Absent } from "./examine.js";

/** What the machine and the program are, for the checks. */
export interface Machine {
  readonly node: string;
  readonly cores: number;
  readonly backend: BackendInfo;
}

/** Something that would be of use and is not there, and the command that gets it. */
export interface Missing {
  readonly name: string;
  readonly what: string;
  readonly command: string;
}

interface Check {
  readonly name: string;
  readonly present: (machine: Machine) => boolean;
  readonly missing: string;
  readonly remedy: (machine: Machine) => string;
}

const CHECKS: readonly Check[] = [
  {
    name: "native",
    present: ({ backend }) => !isWasm(backend),
    missing: "the native engine is not used, which is several times as fast as wasm",
    remedy: ({ backend }) =>
      // Who asked for another engine, or has the package, sees in `reason` what the matter is.
      backend.reason?.includes("is not installed")
        ? "npm install @tessera/backend-cpu --include=optional"
        : "TESSERA_CPU=native tessera doctor",
  },
  {
    name: "relaxed-simd",
    present: ({ backend }) => !isWasm(backend) || backend.features.includes("relaxed-simd"),
    missing: "this Node has no relaxed SIMD, which makes assignment about a quarter faster",
    remedy: ({ node }) =>
      Number(node.split(".")[0]) >= 22
        ? "TESSERA_CPU=wasm-relaxed tessera doctor"
        : "npx --yes --package node@24 -- tessera doctor",
  },
  {
    name: "threads",
    present: ({ backend, cores }) =>
      cores === 1 || backend.threads > 1 || !backend.name.startsWith("cpu"),
    missing: "only one thread is used, and there are more cores",
    remedy: ({ cores }) => `TESSERA_THREADS=${cores} tessera doctor`,
  },
];

function isWasm({ name, features }: BackendInfo): boolean {
  return name.startsWith("cpu") && !features.includes("native");
}

/** What the picked backend could have beside, and the backends that do not start. */
export function whatIsMissing(machine: Machine, absent: readonly Absent[]): Missing[] {
  return [
    ...CHECKS.filter((check) => !check.present(machine)).map((check) => ({
      name: check.name,
      what: check.missing,
      command: check.remedy(machine),
    })),
    ...absent.map(missingBackend),
  ];
}

/** Where Debian's chromium keeps SwiftShader, a GPU that the CPU plays. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";

function missingBackend({ name, problem, remedy = "" }: Absent): Missing {
  const what = `${name} does not start: ${problem}`;
  if (name !== "webgpu") return { name, what, command: remedy };
  if (problem.includes("not installed")) return { name, what, command: "npm install webgpu@0.6.2" };
  if (!problem.includes("no GPU") || process.platform !== "linux") {
    return { name, what, command: remedy };
  }
  if (hasGpu()) {
    return { name, what, command: "apt-get install libvulkan1 mesa-vulkan-drivers" };
  }
  const play = `VK_ICD_FILENAMES=${SWIFTSHADER} tessera doctor`;
  return {
    name,
    what: `${what}, and this machine shows none; for tests the CPU can play one`,
    command: existsSync(SWIFTSHADER) ? play : `apt-get install chromium libvulkan1 && ${play}`,
  };
}

/** Whether Linux shows a GPU that a Vulkan driver could drive. */
function hasGpu(): boolean {
  const inFolder = (folder: string, start: string): boolean =>
    existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(start));
  return inFolder("/dev/dri", "renderD") || inFolder("/dev", "nvidia0");
}
