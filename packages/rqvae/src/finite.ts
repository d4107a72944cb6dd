import { ArgumentError, type FsqSpec, type Tensor, type TrainingBackend } from "@tessera/core";
import { fsqBound } from "@tessera/vq";
import { optionKernel } from "./option-kernel.js";
import type { TrainingSettings } from "./settings.js";

type Floats = Tensor<"float32">;

/**
 * Finite scalar quantization of latents (Mentzer et al. 2023): each value is bounded by tanh and rounded. The codes are
 * those of the model that is made of it, and the gradient passes the rounding as if it were not there.
 */
export class FiniteLevels {
  readonly #backend: TrainingBackend;
  readonly #thresholds: Floats;
  readonly #lower: Floats;
  readonly #step: Floats;
  readonly #shift: Floats;
  readonly #slope: Floats;

  /** @throws {BackendError} if the backend cannot differentiate the bound */
  constructor(backend: TrainingBackend, { levels }: FsqSpec) {
    optionKernel(backend, "boundGradient");
    const { thresholds, lower, step, shift, slope } = fsqBound(levels);
    this.#backend = backend;
    this.#thresholds = backend.tensor(thresholds.data, [thresholds.rows, thresholds.cols]);
    this.#lower = backend.tensor(lower);
    this.#step = backend.tensor(step);
    this.#shift = backend.tensor(shift);
    this.#slope = backend.tensor(slope);
  }

  /**
   * @param z `[n, d]`
   * @returns codes and what they stand for, both `[n, d]`
   */
  quantize(z: Floats): { readonly codes: Tensor<"uint8">; readonly output: Floats } {
    const codes = this.#backend.thresholdEncode(z, this.#thresholds, { bits: 8 });
    const output = this.#backend.scalarDecode(codes, this.#lower, this.#step, { bits: 8 });
    return { codes, output };
  }

  /** The gradient with respect to z, given that with respect to what it was rounded to. */
  gradient(z: Floats, gradient: Floats): Floats {
    const bound = { shift: this.#shift, slope: this.#slope };
    return optionKernel(this.#backend, "boundGradient")(z, gradient, bound);
  }

  dispose(): void {
    const tensors = [this.#thresholds, this.#lower, this.#step, this.#shift, this.#slope];
    for (const tensor of tensors) tensor.dispose();
  }
}

/** Settings of codebooks, and the value of each that asks for nothing. */
const OF_CODEBOOKS: Partial<Record<keyof TrainingSettings, unknown>> = {
  commitment: 0,
  codebook: 0,
  levelWeights: undefined,
  codebooks: "gradient",
  decay: undefined,
  estimator: "straight-through",
  temperature: undefined,
  entropy: 0,
  entropyTemperature: undefined,
  diversity: undefined,
  levelDropout: 0,
  separation: 0,
  balance: 0,
  balanceIterations: undefined,
  pretraining: 0,
};

/**
 * The settings of a network that ends in FSQ, which has no codebooks: those of codebooks are off.
 *
 * @throws {ArgumentError} for one that was given all the same
 */
export function settingsOfFinite(given: Partial<TrainingSettings>): Partial<TrainingSettings> {
  for (const [name, off] of Object.entries(OF_CODEBOOKS)) {
    const value = given[name as keyof TrainingSettings];
    if (value === undefined || value === off) continue;
    throw new ArgumentError(
      `${name} is ${JSON.stringify(value)}, but fsq rounds values and has no codebooks`,
      {
        hint:
          name === "pretraining"
            ? "leave it out: there are no codebooks that start late"
            : "leave it out, or train codebooks, as in ae(512,256,128,64)>rq3x256",
      },
    );
  }
  return { ...given, commitment: 0, codebook: 0, separation: 0, pretraining: 0 };
}
