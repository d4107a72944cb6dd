import { BackendError } from "@tessera/core";
import type { Addon } from "./addon.js";

/** What is used of the module `@tensorflow/tfjs-node`. */
interface TfjsNode {
  findBackend(name: string): unknown;
}

export interface LoadOptions {
  /** The module itself, imported by the caller: `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`. */
  readonly module?: object | undefined;
  /** A folder in whose `node_modules` one of the two is installed. */
  readonly path?: string | undefined;
}

export interface Loaded {
  readonly addon: Addon;
  /** The name of the package. */
  readonly name: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Of the machine. */
  readonly cores: number;
}

const PACKAGES = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

/** Where `tessera-build-tfjs-node` puts what it builds, from the working directory. */
const BUILT = "node_modules/.cache/tessera/tfjs-node";

const HINT =
  "npm install @tensorflow/tfjs-node-gpu (CUDA) or @tensorflow/tfjs-node; where the host of their download is closed: " +
  "npx tessera-build-tfjs-node";

/** Loads TensorFlow, which takes a third of a second. */
export function loadAddon({ module, path }: LoadOptions): Loaded {
  const process = nodeProcess();
  const { env } = process;
  const machine = {
    environment: env,
    cores: process.getBuiltinModule("node:os").availableParallelism(),
  };
  if (module) return { addon: addonOf(module, "the module"), name: "module", ...machine };
  settle(env);
  mendUtil(process.getBuiltinModule("node:util"));
  const folder = path ?? (env["TESSERA_TFJS_NODE"] || undefined);
  const failures: string[] = [];
  for (const require of requires(process, folder)) {
    for (const name of PACKAGES) {
      const file = resolved(require, name);
      if (file === undefined) continue;
      try {
        return { addon: addonOf(require(file) as object, name), name, ...machine };
      } catch (error) {
        failures.push(`${name} does not load: ${firstLine(error)}`);
      }
    }
  }
  const where = folder === undefined ? "" : ` in ${folder}`;
  const missing = `neither ${PACKAGES.join(" nor ")} is installed${where}`;
  throw new BackendError(failures[0] ?? missing, { hint: HINT });
}

/** What loads modules as a file in each of the places would in which TensorFlow may be installed. */
function requires(process: NodeJS.Process, folder: string | undefined): NodeJS.Require[] {
  const { createRequire } = process.getBuiltinModule("node:module");
  const { resolve } = process.getBuiltinModule("node:path");
  // The name does not matter, nor whether there is such a file.
  const inFolder = (place: string): string => resolve(place, "_.js");
  return folder === undefined
    ? [import.meta.url, inFolder("."), inFolder(BUILT)].map((file) => createRequire(file))
    : [createRequire(inFolder(folder))];
}

function resolved(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

function addonOf(module: object, name: string): Addon {
  const backend = (module as Partial<TfjsNode>).findBackend?.("tensorflow");
  const { binding } = (backend ?? {}) as { readonly binding?: Addon };
  if (binding) return binding;
  throw new BackendError(`${name} has no backend "tensorflow"`, {
    hint: `pass what import("${PACKAGES[1]}") gives`,
  });
}

/** Through it come Node's own modules, which a bundle for browsers, where nothing gets here, need not have. */
function nodeProcess(): NodeJS.Process {
  const { process } = globalThis as { process?: NodeJS.Process };
  if (process?.versions?.node !== undefined) return process;
  throw new BackendError("TensorFlow runs in Node alone", {
    hint: "use the webgpu or the cpu backend here",
  });
}

/** Settings that TensorFlow reads when it is loaded, where the user has not set them. */
function settle(environment: NodeJS.ProcessEnv): void {
  // Build flags and the like are not told; warnings and errors are.
  environment["TF_CPP_MIN_LOG_LEVEL"] ??= "1";
  // oneDNN generates its products for the processor at hand, with sums in an order that it does not state.
  environment["TF_ENABLE_ONEDNN_OPTS"] ??= "0";
  // float32 products in float32, not rounded to 11 bits first.
  environment["NVIDIA_TF32_OVERRIDE"] ??= "0";
}

/** Node 23 and later lack functions that `@tensorflow/tfjs-node` 4.22 calls. */
function mendUtil(module: object): void {
  const util = module as Record<string, unknown>;
  util["isNullOrUndefined"] ??= (value: unknown) => value === null || value === undefined;
  util["isUndefined"] ??= (value: unknown) => value === undefined;
  util["isArray"] ??= Array.isArray;
}

function firstLine(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}
