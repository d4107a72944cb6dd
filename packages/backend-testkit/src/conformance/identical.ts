import type { ComputeBackend } from "@tessera/core";
import { withBackend, type ConformanceCase, type ConformanceOptions } from "./case.js";
import { runEveryKernel } from "./every-kernel.js";
import { expectSameResults, identicalShapes } from "./invariance.js";
import { makeProblem, showProblem } from "./problems.js";

/**
 * Cases that two backends pass only if all their kernels give the same bits, such as one engine with 1 and with 3
 * threads.
 *
 * @param createA makes the one backend, anew for each case
 * @param createB makes the other
 */
export function identicalBitsCases(
  createA: () => Promise<ComputeBackend>,
  createB: () => Promise<ComputeBackend>,
  options: Pick<ConformanceOptions, "scale"> = {},
): ConformanceCase[] {
  return identicalShapes(options.scale ?? 1).map((shape) => ({
    name: `identical bits: every kernel, ${showProblem(shape)}`,
    run: () =>
      withBackend(createA, (a) =>
        withBackend(createB, async (b) => {
          const problem = makeProblem(shape, 127);
          const expected = await runEveryKernel(a, problem);
          expectSameResults(await runEveryKernel(b, problem), expected, "second backend");
        }),
      ),
  }));
}
