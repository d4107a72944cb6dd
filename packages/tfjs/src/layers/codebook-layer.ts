import {
  type Scalar,
  scalar,
  type serialization,
  type Tensor,
  tensor1d,
  tensor2d,
  type Tensor2D,
  tidy,
} from "@tensorflow/tfjs-core";
import { initializers, type LayerVariable } from "@tensorflow/tfjs-layers";
import { ArgumentError, checkMatrix, type Matrix, Random, ShapeError } from "@tessera/core";
import { weightedSum } from "../codebook/losses.js";
import { untracked } from "../tape.js";
import { rowsOf } from "../tensors.js";
import { decodeResiduals, residualQuantize } from "../vector.js";
import {
  type CodebookLayerOptions,
  type CodebookSettings,
  resolveCodebookOptions,
} from "./codebook-options.js";
import { averageLevels, type Draw, type Level, startLevels, writeLevel } from "./level.js";
import { lastDimension, QuantizerLayer, type Shape } from "./quantizer-layer.js";

/** A stack of codebooks as a layer; {@link VectorQuantizer} has one. */
export abstract class CodebookLayer extends QuantizerLayer {
  readonly #sizes: readonly number[];
  readonly #settings: CodebookSettings;
  readonly #random: Random;
  #levels: readonly Level[] = [];
  #started: LayerVariable | undefined;
  /** Passes of training that this object has seen. */
  #passes = 0;

  protected constructor(sizes: readonly number[], options: CodebookLayerOptions) {
    super(options);
    this.#sizes = sizes;
    this.#settings = resolveCodebookOptions(options);
    this.#random = new Random(this.#settings.seed);
  }

  override build(inputShape: Shape | Shape[]): void {
    const d = lastDimension(inputShape, this.name);
    const { update, start, seed } = this.#settings;
    const zeros = initializers.zeros();
    this.#levels = this.#sizes.map((size, l) => {
      const within = { minval: -1 / size, maxval: 1 / size, seed: seed + l };
      const uniform = initializers.randomUniform(within);
      const add = (name: string, shape: Shape, initializer = zeros, trainable = false) =>
        this.addWeight(`${name}_${l}`, shape, "float32", initializer, undefined, trainable);
      const codebook = add("codebook", [size, d], uniform, update === "gradient");
      if (update === "gradient") return { codebook };
      const averages = {
        counts: add("counts", [size]),
        sums: add("sums", [size, d]),
        ages: add("ages", [size]),
      };
      return { codebook, averages };
    });
    if (start === "batch") {
      this.#started = this.addWeight("started", [1], "float32", zeros, undefined, false);
    }
    super.build(inputShape);
  }

  /**
   * The codes of latents, as the op gives them. Outside of a model, in which a layer has one kind of output.
   *
   * @param z `[..., d]`
   * @returns int32, `[..., L]`
   */
  encode(z: Tensor): Tensor {
    return tidy(() => residualQuantize(z, this.#codebooks()).codes);
  }

  /**
   * What codes stand for.
   *
   * @param codes int32, `[..., L]`
   * @returns `[..., d]`
   */
  decode(codes: Tensor): Tensor {
    return tidy(() => decodeResiduals(codes, this.#codebooks()));
  }

  /** The codebooks, for a model: `new VqModel({ kind: "vq", codebookSize }, codebook)` for each. */
  async readCodebooks(): Promise<Matrix[]> {
    return Promise.all(
      this.#codebooks().map(async (codebook) => {
        const [rows, cols] = codebook.shape;
        return { data: (await codebook.data<"float32">()).slice(), rows, cols };
      }),
    );
  }

  /**
   * Sets the codebooks, of a model for instance. Training goes on from them; averages begin anew.
   *
   * @param codebooks `[K, d]` for each level
   * @throws {ShapeError} unless they are
   */
  writeCodebooks(codebooks: readonly Matrix[]): void {
    const before = this.#codebooks();
    if (codebooks.length !== before.length) {
      throw new ShapeError(`${codebooks.length} codebooks for ${before.length} levels`);
    }
    codebooks.forEach((codebook, l) => {
      checkMatrix(codebook, "codebook");
      const [rows, cols] = before[l]!.shape;
      if (codebook.rows !== rows || codebook.cols !== cols) {
        throw new ShapeError(
          `codebook ${l + 1} is [${codebook.rows}, ${codebook.cols}]; the layer's is [${rows}, ${cols}]`,
        );
      }
    });
    tidy(() => {
      codebooks.forEach(({ data, rows, cols }, l) => {
        writeLevel(this.#levels[l]!, tensor2d(data, [rows, cols]));
      });
      this.#started?.write(tensor1d([1]));
    });
  }

  override getConfig(): serialization.ConfigDict {
    const { averages, ...rest } = this.#settings;
    return { ...super.getConfig(), ...rest, ...averages };
  }

  protected override quantize(z: Tensor, training: boolean): Tensor {
    const { beta, estimator, update, averages } = this.#settings;
    const [quantized, loss] = tidy((): [Tensor, Scalar?] => {
      const rows = (): Tensor2D => rowsOf(z);
      const started = this.#started;
      if (training && started && this.#passes === 0) {
        this.#aside(() => startLevels(this.#levels, started, rows(), this.#drawer("start")));
      }
      const found = residualQuantize(z, this.#codebooks(), { beta, estimator });
      if (!training) return [found.quantized];
      if (update === "gradient") return [found.quantized, found.loss];
      const codes = (): Tensor2D => rowsOf(found.codes);
      this.#aside(() =>
        averageLevels(this.#levels, rows(), codes(), averages, this.#drawer("dead codes")),
      );
      // The codebook loss has no part in what is learned.
      return [found.quantized, weightedSum([[found.commitmentLoss, beta]])];
    });
    if (training) this.#passes++;
    if (loss) this.addPending(loss);
    return quantized;
  }

  #codebooks(): Tensor2D[] {
    if (this.#levels.length === 0) {
      throw new ArgumentError(`${this.name} has no codebooks yet`, {
        hint: "apply it to an input first",
      });
    }
    return this.#levels.map(({ codebook }) => codebook.read() as Tensor2D);
  }

  #drawer(purpose: string): Draw {
    const random = this.#random.stream(purpose, this.#passes);
    return (level, n, count) => Uint32Array.from(random.stream("level", level).sample(n, count));
  }

  /** Changes weights without a trace for gradients. */
  #aside(work: () => void): void {
    untracked(() => {
      work();
      return scalar(0);
    });
  }
}
