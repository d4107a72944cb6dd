import { isNode } from "./find-gpu.js";

/** Before the first nudge; timers of pages are no finer. Pauses double, so that a long wait costs few of them. */
const FIRST_MS = 4;
const LAST_MS = 64;

/**
 * Waits for the GPU, and meanwhile submits nothing now and then. Firefox looks what has finished when something is
 * submitted, and else every 100 ms, which without this is what any read takes.
 */
export async function withNudges<T>(queue: GPUQueue, wait: Promise<T>): Promise<T> {
  if (isNode()) return wait;
  let pause = FIRST_MS;
  const nudge = (): void => {
    queue.submit([]);
    pause = Math.min(2 * pause, LAST_MS);
    timer = setTimeout(nudge, pause);
  };
  let timer = setTimeout(nudge, pause);
  try {
    return await wait;
  } finally {
    clearTimeout(timer);
  }
}
