import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The test files that take longest, by the beginnings of their paths. Vitest remembers how long files took, but knows
 * nothing in a clean clone, where it begins with the largest files and would leave these short ones to a single core.
 */
const LONGEST = [
  "packages/backend-webgpu/src/conformance.",
  "packages/backend-cpu/src/conformance-",
  "packages/backend-testkit/src/conformance/",
  "packages/cli/src/composition/",
  "apps/playground/src/playground.",
];

/** Begins with the longest files, so that no core waits for one of them in the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const longest = LONGEST.map((start) =>
      sorted.filter(({ moduleId }) => moduleId.includes(`/${start}`)),
    );
    return [...new Set([...longest.flat(), ...sorted])];
  }
}
