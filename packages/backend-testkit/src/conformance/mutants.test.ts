import { TesseraError } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { assigningMutants } from "../../test/mutants/assigning.js";
import { beamMutants } from "../../test/mutants/beam.js";
import { backendMutants } from "../../test/mutants/backend.js";
import { distributionMutants } from "../../test/mutants/distributions.js";
import { kernelMutants, unsteady } from "../../test/mutants/kernels.js";
import { assignments, honest } from "../../test/mutants/mutant.js";
import { optionMutants } from "../../test/mutants/options.js";
import { scalarMutants } from "../../test/mutants/scalar.js";
import { trainingMutants } from "../../test/mutants/training.js";
import { scanMutants } from "../../test/mutants/scans.js";
import { referenceKernels } from "../backend/kernels.js";
import { ReferenceBackend } from "../backend/reference-backend.js";
import { ConformanceError } from "./assertions.js";
import { identicalBitsCases } from "./identical.js";
import { conformanceCases } from "./suite.js";

const mutants = [
  ...assigningMutants,
  ...beamMutants,
  ...kernelMutants,
  ...scalarMutants,
  ...trainingMutants,
  ...distributionMutants,
  ...optionMutants,
  ...scanMutants,
  ...backendMutants,
];
/** That of slow engines: what is found with so little work is found with more. */
const SCALE = 0.01;

describe("the suite finds each defect", () => {
  it.each(mutants)("$defect", async ({ foundBy, create }) => {
    // A sum of few rows is accurate in float32, so that case keeps its size.
    const scale = foundBy === "clusterSums: keeps its accuracy" ? 1 : SCALE;
    const found = conformanceCases(async () => create(), { scale }).filter(({ name }) =>
      name.startsWith(foundBy),
    );
    expect(found).toHaveLength(1);
    const error: unknown = await found[0]!.run().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConformanceError);
    // A backend may fail by an error of its own, but by one of ours: otherwise the mutant itself does not work.
    const { cause } = error as ConformanceError;
    if (cause !== undefined) expect(cause).toBeInstanceOf(TesseraError);
  });

  it("and there is a defect for every case", () => {
    const cases = conformanceCases(async () => new ReferenceBackend(referenceKernels));
    const unfound = cases.filter(
      ({ name }) => !mutants.some(({ foundBy }) => name.startsWith(foundBy)),
    );
    expect(unfound.map(({ name }) => name)).toEqual([]);
  });

  it("in identical bits too", async () => {
    const honestOne = async () => new ReferenceBackend(referenceKernels);
    const [first] = identicalBitsCases(honestOne, async () => unsteady().create());
    await expect(first!.run()).rejects.toThrow(ConformanceError);
  });
});

describe("without a defect the suite passes at this scale", () => {
  const create = async () => new ReferenceBackend(referenceKernels);
  for (const c of conformanceCases(create, { scale: SCALE })) it(c.name, c.run);
});

describe("an engine that flushes subnormal numbers", () => {
  const flush = (value: number): number => (Math.abs(value) < 2 ** -126 ? 0 : value);
  const { create } = assignments("", "", (_found, x, books, shape, count, metric) => {
    const { codes, distances } = honest.assignTopK(
      x.map(flush),
      books.map(flush),
      shape,
      count,
      metric,
    );
    return { codes, distances: distances.map(flush) };
  });
  const magnitudes = (flushesSubnormals: boolean) =>
    conformanceCases(async () => create(), { flushesSubnormals }).find(({ name }) =>
      name.startsWith("assign: magnitudes"),
    )!;

  it("fails unless that is said", async () => {
    await expect(magnitudes(false).run()).rejects.toThrow(ConformanceError);
    await magnitudes(true).run();
  });
});
