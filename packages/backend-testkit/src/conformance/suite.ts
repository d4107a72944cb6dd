import type { ComputeBackend } from "@tessera/core";
import { assignCases, topKCases } from "./assign.js";
import { beamCases } from "./beam.js";
import { argumentCases } from "./arguments.js";
import { settingsOf, toCase, type ConformanceCase, type ConformanceOptions } from "./case.js";
import { clusterCases, codebookCases } from "./codebooks.js";
import { denseCases } from "./dense.js";
import { faultCases } from "./faults.js";
import { invarianceCases } from "./invariance.js";
import { manyRowsCases } from "./many-rows.js";
import { orderCases } from "./order.js";
import { scalarCases } from "./scalar.js";
import { scanCodesCases } from "./scan-codes.js";
import { scanRowsCases } from "./scan-rows.js";
import { scansCases } from "./scans.js";
import { tensorCases } from "./tensors.js";
import { trainingCases } from "./training/index.js";

/**
 * Every promise of `ComputeBackend` as a list of cases.
 *
 * @param create makes the backend under test; each case makes its own and disposes it
 */
export function conformanceCases(
  create: () => Promise<ComputeBackend>,
  options: ConformanceOptions = {},
): ConformanceCase[] {
  const settings = settingsOf(create, options);
  const definitions = [
    ...tensorCases,
    ...assignCases,
    ...topKCases,
    ...beamCases,
    ...codebookCases,
    ...clusterCases,
    ...denseCases,
    ...scalarCases,
    ...trainingCases,
    ...scanRowsCases,
    ...scanCodesCases,
    ...scansCases,
    ...orderCases,
    ...faultCases,
    ...argumentCases,
    ...invarianceCases,
    ...manyRowsCases,
  ];
  return definitions.map((definition) => toCase(definition, settings));
}
