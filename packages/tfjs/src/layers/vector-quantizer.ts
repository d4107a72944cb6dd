import { expandDims, type serialization, squeeze, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { ArgumentError } from "@tessera/core";
import { CodebookLayer } from "./codebook-layer.js";
import { checkCodebookSize, type CodebookLayerOptions } from "./codebook-options.js";

export interface VectorQuantizerOptions extends CodebookLayerOptions {
  /** K, from 2. */
  readonly codebookSize: number;
}

/**
 * Vector quantization as a layer, `[..., d]` to `[..., d]`: see `vectorQuantize`. Its loss is the codebook loss and β times
 * the commitment loss; with `update: "ema"` the latter alone.
 *
 * @throws {ArgumentError} for an option out of range
 */
export class VectorQuantizer extends CodebookLayer {
  static readonly className = "VectorQuantizer";
  readonly #codebookSize: number;

  constructor(options: VectorQuantizerOptions) {
    checkCodebookSize(options.codebookSize);
    super([options.codebookSize], options);
    this.#codebookSize = options.codebookSize;
  }

  /** @returns int32, `[...]` */
  override encode(z: Tensor): Tensor {
    return tidy(() => squeeze(super.encode(z), [-1]));
  }

  /** @param codes int32, `[...]` */
  override decode(codes: Tensor): Tensor {
    return tidy(() => super.decode(expandDims(codes, -1)));
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), codebookSize: this.#codebookSize };
  }
}

export interface ResidualQuantizerOptions extends CodebookLayerOptions {
  /** K of each level, from coarse to fine. */
  readonly codebookSizes: readonly number[];
}

/**
 * Residual quantization as a layer, `[..., d]` to `[..., d]`: see `residualQuantize`. Its loss is as that of
 * {@link VectorQuantizer}, summed over levels.
 *
 * @throws {ArgumentError} for an option out of range
 */
export class ResidualQuantizer extends CodebookLayer {
  static readonly className = "ResidualQuantizer";
  readonly #codebookSizes: readonly number[];

  constructor(options: ResidualQuantizerOptions) {
    const { codebookSizes } = options;
    if (!Array.isArray(codebookSizes) || codebookSizes.length === 0) {
      throw new ArgumentError("codebookSizes must be the number of codewords of each level", {
        hint: "such as [256, 256, 256]",
      });
    }
    for (const size of codebookSizes) checkCodebookSize(size);
    super([...codebookSizes], options);
    this.#codebookSizes = [...codebookSizes];
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), codebookSizes: [...this.#codebookSizes] };
  }
}
