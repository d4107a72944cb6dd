import { referenceAssign, referenceAssignTopK } from "../reference/assign.js";
import { referenceBeamSearch } from "../reference/beam.js";
import {
  referenceClusterSums,
  referenceGather,
  referenceResidual,
} from "../reference/codebooks.js";
import { referenceCombine, referenceMatmul, referenceTake } from "../reference/dense.js";
import { referenceScanBits, referenceScanRows, referenceScanTables } from "../reference/scan.js";
import {
  referenceScalarDecode,
  referenceScalarEncode,
  referenceThresholdEncode,
} from "../reference/scalar.js";

import {
  referenceBalancedAssign,
  referenceBatchNorm,
  referenceBatchNormGradients,
  referenceBatchStatistics,
  referenceBoundGradient,
  referenceContrastiveLoss,
  referenceDropout,
  referenceEmaStep,
  referenceEntropy,
  referenceInputGradient,
  referenceLayerNorm,
  referenceLayerNormGradients,
  referenceLinear,
  referenceOptimizerStep,
  referenceParameterGradients,
  referenceQuantizeLevels,
  referenceReconstructionLoss,
  referenceRotateGradient,
  referenceSoftmax,
  referenceSoftmaxGradient,
  referenceRunning,
  referenceSumOfSquares,
} from "../reference/training/index.js";

/** The functions that a reference backend runs. A test of the suite swaps one for a defective one. */
export interface ReferenceKernels {
  readonly assignTopK: typeof referenceAssignTopK;
  readonly assign: typeof referenceAssign;
  readonly beamSearch: typeof referenceBeamSearch;
  readonly gather: typeof referenceGather;
  readonly residual: typeof referenceResidual;
  readonly clusterSums: typeof referenceClusterSums;
  readonly matmul: typeof referenceMatmul;
  readonly combine: typeof referenceCombine;
  readonly take: typeof referenceTake;
  readonly scalarEncode: typeof referenceScalarEncode;
  readonly scalarDecode: typeof referenceScalarDecode;
  readonly thresholdEncode: typeof referenceThresholdEncode;
  readonly linear: typeof referenceLinear;
  readonly inputGradient: typeof referenceInputGradient;
  readonly parameterGradients: typeof referenceParameterGradients;
  readonly layerNorm: typeof referenceLayerNorm;
  readonly layerNormGradients: typeof referenceLayerNormGradients;
  readonly dropout: typeof referenceDropout;
  readonly reconstructionLoss: typeof referenceReconstructionLoss;
  readonly quantizeLevels: typeof referenceQuantizeLevels;
  readonly rotateGradient: typeof referenceRotateGradient;
  readonly sumOfSquares: typeof referenceSumOfSquares;
  readonly optimizerStep: typeof referenceOptimizerStep;
  readonly emaStep: typeof referenceEmaStep;
  readonly softmax: typeof referenceSoftmax;
  readonly softmaxGradient: typeof referenceSoftmaxGradient;
  readonly entropy: typeof referenceEntropy;
  readonly contrastiveLoss: typeof referenceContrastiveLoss;
  readonly balancedAssign: typeof referenceBalancedAssign;
  readonly batchStatistics: typeof referenceBatchStatistics;
  readonly running: typeof referenceRunning;
  readonly batchNorm: typeof referenceBatchNorm;
  readonly batchNormGradients: typeof referenceBatchNormGradients;
  readonly boundGradient: typeof referenceBoundGradient;
  readonly scanRows: typeof referenceScanRows;
  readonly scanTables: typeof referenceScanTables;
  readonly scanBits: typeof referenceScanBits;
}

export const referenceKernels: ReferenceKernels = {
  assignTopK: referenceAssignTopK,
  assign: referenceAssign,
  beamSearch: referenceBeamSearch,
  gather: referenceGather,
  residual: referenceResidual,
  clusterSums: referenceClusterSums,
  matmul: referenceMatmul,
  combine: referenceCombine,
  take: referenceTake,
  scalarEncode: referenceScalarEncode,
  scalarDecode: referenceScalarDecode,
  thresholdEncode: referenceThresholdEncode,
  linear: referenceLinear,
  inputGradient: referenceInputGradient,
  parameterGradients: referenceParameterGradients,
  layerNorm: referenceLayerNorm,
  layerNormGradients: referenceLayerNormGradients,
  dropout: referenceDropout,
  reconstructionLoss: referenceReconstructionLoss,
  quantizeLevels: referenceQuantizeLevels,
  rotateGradient: referenceRotateGradient,
  sumOfSquares: referenceSumOfSquares,
  optimizerStep: referenceOptimizerStep,
  emaStep: referenceEmaStep,
  softmax: referenceSoftmax,
  softmaxGradient: referenceSoftmaxGradient,
  entropy: referenceEntropy,
  contrastiveLoss: referenceContrastiveLoss,
  balancedAssign: referenceBalancedAssign,
  batchStatistics: referenceBatchStatistics,
  running: referenceRunning,
  batchNorm: referenceBatchNorm,
  batchNormGradients: referenceBatchNormGradients,
  boundGradient: referenceBoundGradient,
  scanRows: referenceScanRows,
  scanTables: referenceScanTables,
  scanBits: referenceScanBits,
};
