import type { CaseDefinition } from "../case.js";
import { trainingArgumentCases } from "./arguments.js";
import { balanceCases } from "./balance.js";
import { batchNormCases } from "./batch-norm.js";
import { boundCases } from "./bound.js";
import { distributionCases } from "./distributions.js";
import { normCases } from "./layer-norm.js";
import { layerCases } from "./layers.js";
import { lossCases } from "./losses.js";
import { optimizerCases } from "./optimizers.js";
import { quantizeCases } from "./quantize.js";

/** What a backend that trains promises. */
export const trainingCases: readonly CaseDefinition[] = [
  ...layerCases,
  ...normCases,
  ...lossCases,
  ...quantizeCases,
  ...optimizerCases,
  ...balanceCases,
  ...batchNormCases,
  ...boundCases,
  ...distributionCases,
  ...trainingArgumentCases,
];
