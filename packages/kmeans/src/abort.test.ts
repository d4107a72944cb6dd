import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import { AbortedError, completeBackend, expectNoLeaks } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { fitKmeans } from "./index.js";

const backend = completeBackend(createReferenceBackend());

describe("abort", () => {
  it.each([
    ["k-means++ start", "k-means++"],
    ["k-means", "k-means++"],
    ["LBG start", "lbg"],
    ["progressive start", "progressive"],
    ["mini-batch k-means", "random"],
  ] as const)("in %s of %s: AbortedError, no tensor left", async (task, init) => {
    const x = gaussianMatrix(300, 3, { seed: 1 });
    const controller = new AbortController();
    const seen: string[] = [];
    const work = expectNoLeaks(backend, () =>
      fitKmeans(x, {
        backend,
        codebookSize: 40,
        init,
        tolerance: 0,
        restarts: 3,
        miniBatch: task.startsWith("mini") ? 50 : undefined,
        signal: controller.signal,
        onProgress: (progress) => {
          seen.push(progress.task);
          if (progress.task.startsWith(task) && seen.length > 4) controller.abort("enough");
        },
      }).then(
        () => "finished",
        (error: unknown) => error,
      ),
    );
    const error = await work;
    expect(error).toBeInstanceOf(AbortedError);
    expect((error as AbortedError).cause).toBe("enough");
    expect(seen.length).toBeLessThan(20);
  });

  it("by a timer, so the event loop is let run", async () => {
    const x = gaussianMatrix(200, 3);
    const options = { backend, codebookSize: 30, tolerance: 0, restarts: 100_000 };
    await expect(fitKmeans(x, { ...options, signal: AbortSignal.timeout(20) })).rejects.toThrow(
      AbortedError,
    );
  });

  it("leaves no tensor when a progress callback throws", async () => {
    const x = gaussianMatrix(50, 3);
    const onProgress = (): void => {
      throw new RangeError("from the callback");
    };
    const error = await expectNoLeaks(backend, () =>
      fitKmeans(x, { backend, codebookSize: 5, onProgress }).catch((e: unknown) => e),
    );
    expect(error).toBeInstanceOf(RangeError);
  });
});
