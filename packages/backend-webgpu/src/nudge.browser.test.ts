import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withNudges } from "./nudge.js";

describe("withNudges", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A queue that looks what has finished at its third submission. */
  function lazyQueue() {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const submit = vi.fn(() => {
      if (submit.mock.calls.length === 3) finish();
    });
    return { queue: { submit } as unknown as GPUQueue, submit, finished };
  }

  it("submits until what is waited for has happened, and no more", async () => {
    const { queue, submit, finished } = lazyQueue();
    const waiting = withNudges(queue, finished);
    await vi.advanceTimersByTimeAsync(1000);
    await waiting;
    expect(submit.mock.calls).toEqual([[[]], [[]], [[]]]);
  });

  it("submits nothing for a wait that is short, or that fails", async () => {
    const { queue, submit } = lazyQueue();
    await expect(withNudges(queue, Promise.resolve(7))).resolves.toBe(7);
    await expect(withNudges(queue, Promise.reject(new Error("lost")))).rejects.toThrow("lost");
    await vi.advanceTimersByTimeAsync(1000);
    expect(submit).not.toHaveBeenCalled();
  });
});
