import { type Scalar, type serialization, type Tensor, tidy } from "@tensorflow/tfjs-core";
import { ShapeError } from "@tessera/core";
import { checkLevels } from "../scalar/bound.js";
import { decodeScalars } from "../scalar/codes.js";
import { type EntropySettings, resolveEntropyOptions } from "../scalar/entropy.js";
import {
  finiteScalarQuantize,
  type LookupFreeOptions,
  lookupFreeQuantize,
  signLevels,
  signs,
} from "../scalar/quantize.js";
import { checkBeta } from "../vector.js";
import { lastDimension, type LayerOptions, QuantizerLayer, type Shape } from "./quantizer-layer.js";

export interface FiniteScalarQuantizerOptions extends LayerOptions {
  /** Number of values of each dimension, 2 to 256. */
  readonly levels: readonly number[];
}

/**
 * Finite scalar quantization as a layer, `[..., d]` to `[..., d]`: see `finiteScalarQuantize`. It has no weights and no loss.
 *
 * @throws {SpecError} for levels out of range
 */
export class FiniteScalarQuantizer extends QuantizerLayer {
  static readonly className = "FiniteScalarQuantizer";
  readonly #levels: readonly number[];

  constructor(options: FiniteScalarQuantizerOptions) {
    super(options);
    checkLevels(options.levels);
    this.#levels = [...options.levels];
  }

  override build(inputShape: Shape | Shape[]): void {
    const d = lastDimension(inputShape, this.name);
    if (d !== this.#levels.length) {
      throw new ShapeError(`${this.name} has ${this.#levels.length} levels for ${d} dimensions`);
    }
    super.build(inputShape);
  }

  /** The codes of each dimension, int32, `[..., d]`. */
  encode(z: Tensor): Tensor {
    return tidy(() => finiteScalarQuantize(z, this.#levels).codes);
  }

  /** What codes stand for, `[..., d]`. */
  decode(codes: Tensor): Tensor {
    return tidy(() => decodeScalars(codes, this.#levels));
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), levels: [...this.#levels] };
  }

  protected override quantize(z: Tensor): Tensor {
    return tidy(() => finiteScalarQuantize(z, this.#levels).quantized);
  }
}

export interface LookupFreeQuantizerOptions extends LayerOptions, LookupFreeOptions {}

/**
 * Look-up-free quantization as a layer, `[..., d]` to `[..., d]`: see `lookupFreeQuantize`. It has no weights; its loss is the
 * weighted sum of commitment and entropy loss.
 */
export class LookupFreeQuantizer extends QuantizerLayer {
  static readonly className = "LookupFreeQuantizer";
  readonly #options: { readonly beta: number; readonly entropy: EntropySettings };

  constructor(options: LookupFreeQuantizerOptions = {}) {
    super(options);
    const { beta = 0.25, entropy = {} } = options;
    checkBeta(beta);
    this.#options = { beta, entropy: resolveEntropyOptions(entropy) };
  }

  /** The code 0 or 1 of each dimension, int32, `[..., d]`. */
  encode(z: Tensor): Tensor {
    return tidy(() => signs(z).codes);
  }

  /** What codes stand for, `[..., d]`. */
  decode(codes: Tensor): Tensor {
    return tidy(() => decodeScalars(codes, signLevels(codes)));
  }

  override getConfig(): serialization.ConfigDict {
    const { beta, entropy } = this.#options;
    return { ...super.getConfig(), beta, entropy: { ...entropy } };
  }

  protected override quantize(z: Tensor, training: boolean): Tensor {
    if (!training) return tidy(() => signs(z).quantized);
    const [quantized, loss] = tidy((): [Tensor, Scalar] => {
      const found = lookupFreeQuantize(z, this.#options);
      return [found.quantized, found.loss];
    });
    this.addPending(loss);
    return quantized;
  }
}
