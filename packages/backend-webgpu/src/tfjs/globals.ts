import { loadDawn } from "../find-gpu.js";

/** Gives Node the constants and classes of WebGPU as globals, which TensorFlow.js looks for whenever it computes. */
export async function provideGlobals(): Promise<void> {
  if ("GPUBufferUsage" in globalThis) return;
  Object.assign(globalThis, (await loadDawn()).globals);
}

/** Runs `body` where `navigator.gpu` exists, by which TensorFlow.js tells whether there is WebGPU. */
export function withNavigator<T>(body: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  if ((globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu) return body();
  const value = { gpu: {}, userAgent: "" };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  try {
    return body();
  } finally {
    if (before) Object.defineProperty(globalThis, "navigator", before);
    else Reflect.deleteProperty(globalThis, "navigator");
  }
}
