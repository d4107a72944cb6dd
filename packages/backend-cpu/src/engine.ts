import { BackendError } from "@tessera/core";
import { baseline, relaxed, scalar, type EmbeddedModule } from "./generated/kernels.js";

/** Builds of the kernels for WebAssembly: SIMD128, relaxed SIMD, and neither. */
export type WasmEngine = "wasm" | "wasm-relaxed" | "scalar";

/** What the host's WebAssembly can do. */
export interface Support {
  readonly simd: boolean;
  readonly relaxedSimd: boolean;
}

/** Tries the host's WebAssembly on modules of one function each. */
export function detectSupport(): Support {
  // i32.const 0, i8x16.splat
  const splat = [0x41, 0, 0xfd, 0x0f];
  return {
    simd: validates(splat),
    // f32x4.relaxed_madd of three of them
    relaxedSimd: validates([...splat, ...splat, ...splat, 0xfd, 0x85, 0x02]),
  };
}

/** Whether a function without parameters that returns a v128 may have this body. */
function validates(body: readonly number[]): boolean {
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const type = [1, 5, 1, 0x60, 0, 1, 0x7b];
  const declaration = [3, 2, 1, 0];
  const code = [10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b];
  return (
    typeof WebAssembly === "object" &&
    WebAssembly.validate(new Uint8Array([...magic, ...type, ...declaration, ...code]))
  );
}

/** The engine to run, and why where that needs saying. */
export function chooseEngine(
  wanted: "auto" | WasmEngine,
  support: Support,
): { readonly engine: WasmEngine; readonly reason?: string } {
  if (wanted === "scalar") return { engine: "scalar", reason: "the scalar engine was asked for" };
  if (!support.simd) {
    const missing = "this host's WebAssembly has no SIMD";
    if (wanted === "auto") return { engine: "scalar", reason: missing };
    throw new BackendError(`${wanted} was asked for, but ${missing}`, {
      hint: "use Node 20, Chrome 91, Firefox 89, Safari 16.4 or newer, or engine: 'auto'",
    });
  }
  if (wanted === "wasm") return { engine: "wasm", reason: "the baseline engine was asked for" };
  if (support.relaxedSimd) return { engine: "wasm-relaxed" };
  if (wanted === "wasm-relaxed") {
    throw new BackendError("wasm-relaxed was asked for, but this host has no relaxed SIMD", {
      hint: "use Node 22 or newer (or node --experimental-wasm-relaxed-simd), or engine: 'auto'",
    });
  }
  return { engine: "wasm", reason: "this host's WebAssembly has no relaxed SIMD" };
}

const compiled = new Map<string, Promise<WebAssembly.Module>>();

const modules: Readonly<Record<WasmEngine, EmbeddedModule>> = {
  wasm: baseline,
  "wasm-relaxed": relaxed,
  scalar,
};

/** Compiles an engine's kernels, once for all backends. */
export function compileEngine(engine: WasmEngine, shared: boolean): Promise<WebAssembly.Module> {
  const key = `${engine} ${shared}`;
  let module = compiled.get(key);
  if (module === undefined) {
    module = WebAssembly.compile(moduleBytes(modules[engine], shared));
    compiled.set(key, module);
  }
  return module;
}

function moduleBytes(
  { hex, memoryFlag }: EmbeddedModule,
  shared: boolean,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = 16 * digit(hex, 2 * i) + digit(hex, 2 * i + 1);
  }
  if (!shared) bytes[memoryFlag] = 1;
  return bytes;
}

/** The value of one of 0–9 and a–f. */
function digit(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return code < 97 ? code - 48 : code - 87;
}
