import { serialization } from "@tensorflow/tfjs-core";
import { FiniteScalarQuantizer, LookupFreeQuantizer } from "./scalar-quantizers.js";
import { ResidualQuantizer, VectorQuantizer } from "./vector-quantizer.js";

export type { CodebookLayer } from "./codebook-layer.js";
export type { CodebookLayerOptions } from "./codebook-options.js";
export type { QuantizerLayer } from "./quantizer-layer.js";
export {
  FiniteScalarQuantizer,
  type FiniteScalarQuantizerOptions,
  LookupFreeQuantizer,
  type LookupFreeQuantizerOptions,
} from "./scalar-quantizers.js";
export {
  ResidualQuantizer,
  type ResidualQuantizerOptions,
  VectorQuantizer,
  type VectorQuantizerOptions,
} from "./vector-quantizer.js";

/** Tells TensorFlow.js of the layers by name, so that `loadLayersModel()` finds them in a saved model. */
export function registerLayers(): void {
  serialization.registerClass(VectorQuantizer);
  serialization.registerClass(ResidualQuantizer);
  serialization.registerClass(FiniteScalarQuantizer);
  serialization.registerClass(LookupFreeQuantizer);
}
