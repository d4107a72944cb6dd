import {
  type DistributionBackend,
  distributionBackend,
  type OptimizerUpdate,
  type QuantizedLevels,
  type QuantizeOptions,
  type RowLosses,
  type Tensor,
  type TrainingBackend,
} from "@tessera/core";
import { alignmentLoss } from "./alignment.js";
import { epsilonsOf, quantizeBalanced } from "./balance.js";
import { codewordsPerGroup } from "./bottleneck.js";
import { entropyGradient } from "./entropy.js";
import { FiniteLevels } from "./finite.js";
import { gumbelPass, type GumbelPass } from "./gumbel.js";
import { viewsOf } from "./layout.js";
import {
  backward,
  type Dropout,
  forward,
  type Forward,
  type Network,
  networkOf,
  type Passing,
} from "./network.js";
import { optionKernel } from "./option-kernel.js";
import { ALIGNMENT_MAP, learningRateAt, type Plan, stateCount, temperatureAt } from "./plan.js";
import { SoftCodebooks } from "./soft-codebooks.js";

type Floats = Tensor<"float32">;

/** What training knows of itself between two steps, on the host. */
export interface TrainerState {
  /** Steps taken. */
  readonly step: number;
  readonly parameters: Float32Array;
  /** What the optimizer keeps, each as long as the parameters. */
  readonly optimizer: readonly Float32Array[];
  /** Average rows of a step for each codeword, under `ema`. */
  readonly usage: Float32Array;
}

/** Rows whose latents are pulled towards codewords that are not their nearest. */
export interface Targets {
  /** How many of the batch's last rows they are. */
  readonly count: number;
  /** Codes of those rows, level by level, each `[count, groups]`. */
  readonly codes: readonly Int32Array[];
}

/** What a step measured: losses of each row, still on the device. */
export interface StepLosses {
  /** `[n]`, as weighted in the loss. */
  readonly reconstruction: Floats;
  /** `[levels, n, groups]`: squared distances between residuals and codewords; none without codebooks. */
  readonly quantization: Floats | undefined;
  /** `[n]`, as weighted in the loss; none without a second embedding. */
  readonly alignment: Floats | undefined;
}

/** Codes of latents, and what they decode to. */
export interface Coded {
  /** `[levels, n, groups]`; where values are rounded, bytes `[n, latent]`. */
  readonly codes: Tensor<"int32"> | Tensor<"uint8">;
  /** As in {@link StepLosses}. */
  readonly distances?: Floats;
  readonly output: Floats;
}

/** A network with codebooks on a device, and the steps that train it. */
export class Trainer {
  readonly plan: Plan;
  readonly backend: TrainingBackend;
  #step: number;
  readonly #parameters: Floats;
  readonly #gradients: Floats;
  readonly #optimizer: readonly Floats[];
  readonly #usage: Floats;
  /** Sums of residuals by codeword, where the codebooks' gradient is not what they go into. */
  readonly #sums: Floats | undefined;
  readonly #views: ReadonlyMap<string, Floats>;
  readonly #gradientViews: ReadonlyMap<string, Floats>;
  readonly #encoder: Network;
  readonly #decoder: Network;
  readonly #encoderGradients: Network;
  readonly #decoderGradients: Network;
  /** What rows are quantized by: under `projected`, the frozen codebooks mapped. */
  readonly #codebooks: Floats;
  /** For what is made of distributions over codewords. */
  readonly #soft: SoftCodebooks | undefined;
  /** In place of codebooks, where values are rounded. */
  readonly #finite: FiniteLevels | undefined;
  readonly #epsilons: readonly number[];

  constructor(backend: TrainingBackend, plan: Plan, state: TrainerState) {
    const { layout, settings, widths } = plan;
    this.backend = backend;
    this.plan = plan;
    this.#step = state.step;
    this.#parameters = backend.tensor(state.parameters);
    this.#gradients = backend.zeros([layout.size], "float32");
    this.#optimizer = state.optimizer.map((values) => backend.tensor(values));
    this.#usage = backend.tensor(state.usage);
    this.#views = viewsOf(backend, this.#parameters, layout);
    this.#gradientViews = viewsOf(backend, this.#gradients, layout);
    const codebooks = this.#views.get("codebooks")!;
    const projected = settings.codebooks === "projected";
    this.#codebooks = projected ? backend.zeros(codebooks.shape, "float32") : codebooks;
    this.#sums =
      settings.codebooks === "gradient" ? undefined : backend.zeros(codebooks.shape, "float32");
    const { finite, sizes } = plan.bottleneck;
    this.#finite = finite && new FiniteLevels(backend, finite);
    this.#epsilons = epsilonsOf(settings, sizes.length);
    // Levels start late; that they cannot be balanced must not come out then.
    if (this.#epsilons.some((epsilon) => epsilon > 0)) optionKernel(backend, "balancedAssign");
    const depth = widths.length;
    this.#encoder = networkOf("encoder", depth, this.#views, settings);
    this.#decoder = networkOf("decoder", depth, this.#views, settings);
    this.#encoderGradients = networkOf("encoder", depth, this.#gradientViews, settings);
    this.#decoderGradients = networkOf("decoder", depth, this.#gradientViews, settings);
    if (projected) backend.scope(() => this.#project());
    const soft = settings.estimator === "gumbel" || settings.entropy > 0;
    this.#soft = soft ? new SoftCodebooks(distributionsFor(plan, backend)!, plan) : undefined;
  }

  /** Steps taken. */
  get step(): number {
    return this.#step;
  }

  /** The state after the steps so far. */
  async read(): Promise<TrainerState> {
    const step = this.#step;
    const [parameters, usage, ...optimizer] = await Promise.all([
      this.#parameters.read(),
      this.#usage.read(),
      ...this.#optimizer.map((tensor) => tensor.read()),
    ]);
    return { step, parameters: parameters!, usage: usage!, optimizer };
  }

  /** Sets the state, of as many steps as there have been. */
  write({ parameters, usage, optimizer }: TrainerState): void {
    const { backend } = this;
    backend.scope(() => {
      backend.write(this.#parameters, backend.tensor(parameters));
      backend.write(this.#usage, backend.tensor(usage));
      this.#optimizer.forEach((tensor, i) => backend.write(tensor, backend.tensor(optimizer[i]!)));
      if (this.plan.settings.codebooks === "projected") this.#project();
    });
  }

  /** What rows are quantized by, `[Σk, latent]`. */
  readCodebooks(): Promise<Float32Array> {
    return this.#codebooks.read();
  }

  /** Latents `[n, latent]` of standardized rows. */
  encode(x: Floats): Floats {
    return this.backend.scope(() =>
      this.#latents(forward(this.backend, this.#encoder, x, false), x),
    );
  }

  /** Standardized rows `[n, dimension]` for latents. */
  decode(z: Floats): Floats {
    return this.backend.scope(() =>
      this.#latents(forward(this.backend, this.#decoder, z, false), z),
    );
  }

  /** Codes of latents, and what they decode to. */
  quantize(z: Floats): Coded {
    if (this.#finite) return this.#finite.quantize(z);
    const { sizes, groups } = this.plan.bottleneck;
    return this.backend.quantizeLevels(z, this.#codebooks, sizes, { groups });
  }

  /**
   * One step on a batch of standardized rows.
   *
   * @param x `[n, dimension]`, those with targets last
   * @param levels how many levels take part; 0 trains the autoencoder alone
   * @param aligned unit rows of the second embedding, `[n, plan.alignment]`, where latents are aligned with one
   */
  train(x: Floats, levels: number, targets?: Targets, aligned?: Floats): StepLosses {
    return this.backend.scope(() => {
      const losses = this.gradients(x, levels, targets, aligned);
      this.#update(levels);
      this.#step++;
      return losses;
    });
  }

  /** The gradients of the loss on a batch, for {@link readGradients}; {@link train} without its update. */
  gradients(x: Floats, levels: number, targets?: Targets, aligned?: Floats): StepLosses {
    const { backend, plan } = this;
    const { settings, dimension } = plan;
    const rows = x.shape[0]!;
    const [encoding, decoding] = this.#dropouts();
    const encoded = forward(backend, this.#encoder, x, true, encoding);
    const z = this.#latents(encoded, x);
    const finite = levels > 0 ? this.#finite : undefined;
    const quantized = levels > 0 && !finite ? this.#quantizeStep(z, levels, targets) : undefined;
    const mixed =
      quantized && settings.estimator === "gumbel" ? this.#mix(z, quantized) : undefined;
    const q = finite?.quantize(z).output ?? mixed?.output ?? quantized?.output ?? z;
    const decoded = forward(backend, this.#decoder, q, true, decoding);
    const y = this.#latents(decoded, q);
    const weight = 1 / (settings.reduction === "mean" ? rows * dimension : rows);
    const { losses, gradient } = backend.reconstructionLoss(y, x, {
      kind: settings.reconstruction,
      weight,
    });
    const back = (passing: Passing): Floats =>
      backward(
        backend,
        this.#decoder,
        this.#decoderGradients,
        decoded,
        gradient,
        passing,
        decoding,
      )!;
    const alignment = aligned && this.#align(q, aligned);
    const ofOutput = this.#sum(settings.skip ? gradient : undefined, alignment?.gradient);
    let dz: Floats;
    if (finite) dz = finite.gradient(z, back({ add: ofOutput }));
    else if (quantized && settings.estimator !== "straight-through") {
      const dq = back({ add: ofOutput });
      const through = mixed ? mixed.back(dq, this.#ofCodebooks) : backend.rotateGradient(z, q, dq);
      dz = backend.combine(through, quantized.pull, 1, 1);
    } else dz = back({ add: this.#sum(ofOutput, quantized?.pull) });
    if (quantized && settings.codebooks === "projected") this.#projectGradients();
    backward(backend, this.#encoder, this.#encoderGradients, encoded, dz, undefined, encoding);
    return {
      reconstruction: losses,
      quantization: quantized?.distances,
      alignment: alignment?.losses,
    };
  }

  /** The gradients of the last step, laid out as the parameters are. */
  readGradients(): Promise<Float32Array> {
    return this.#gradients.read();
  }

  dispose(): void {
    for (const view of [...this.#views.values(), ...this.#gradientViews.values()]) view.dispose();
    this.#codebooks.dispose();
    this.#finite?.dispose();
    this.#sums?.dispose();
    this.#soft?.dispose();
    for (const tensor of [this.#parameters, this.#gradients, this.#usage, ...this.#optimizer]) {
      tensor.dispose();
    }
  }

  /** The sum of the gradients that there are. */
  #sum(a: Floats | undefined, b: Floats | undefined): Floats | undefined {
    return a && b ? this.backend.combine(a, b, 1, 1) : (a ?? b);
  }

  /** What a network made, and with a skip what it was given besides. */
  #latents({ output }: Forward, input: Floats): Floats {
    return this.plan.settings.skip ? this.backend.combine(input, output, 1, 1) : output;
  }

  #dropouts(): readonly [Dropout | undefined, Dropout | undefined] {
    const { settings, seed, widths } = this.plan;
    if (settings.dropout === 0) return [undefined, undefined];
    const firstCall = (2 * this.#step * widths.length) % 2 ** 32;
    const shared = { rate: settings.dropout, seed: seed % 2 ** 32 };
    return [
      { ...shared, firstCall },
      { ...shared, firstCall: firstCall + widths.length },
    ];
  }

  /** Codes of a batch, the gradients of the codebooks, and the pull of the commitment on the latents. */
  #quantizeStep(z: Floats, levels: number, targets: Targets | undefined): QuantizedLevels {
    const { backend, plan } = this;
    const { settings, bottleneck, latent } = plan;
    const rows = z.shape[0]!;
    const scale = 2 / (settings.reduction === "mean" ? rows * latent : rows);
    const sizes = bottleneck.sizes.slice(0, levels);
    const used = sizes.reduce((sum, size) => sum + size, 0);
    const part = (tensor: Floats): Floats =>
      used === tensor.shape[0] ? tensor : backend.slice(tensor, 0, used);
    const weights = sizes.map((_, l) => settings.levelWeights?.[l] ?? 1);
    const ofCodebooks = this.#ofCodebooks;
    const byGradient = settings.codebooks !== "ema";
    const options: QuantizeOptions = {
      groups: bottleneck.groups,
      pullWeights: weights.map((weight) => scale * settings.commitment * weight),
      sums: part(ofCodebooks),
      sumWeights: weights.map((weight) => (byGradient ? -scale * settings.codebook * weight : 1)),
    };
    const books = part(this.#codebooks);
    const quantized = this.#epsilons.some((epsilon) => epsilon > 0)
      ? quantizeBalanced(backend, z, books, sizes, options, settings, this.#epsilons)
      : backend.quantizeLevels(z, books, sizes, options);
    if (used < codewordsPerGroup(bottleneck)) {
      const rest = backend.slice(ofCodebooks, used, codewordsPerGroup(bottleneck));
      backend.write(rest, backend.zeros(rest.shape, "float32"));
    }
    const into = byGradient ? ofCodebooks : undefined;
    const spread =
      settings.entropy > 0 && this.#soft
        ? entropyGradient(this.#soft, z, this.#codebooks, quantized, settings, into)
        : undefined;
    if (settings.codebooks === "ema") this.#average(quantized.counts, used);
    if (targets && targets.count > 0) this.#pullToTargets(z, quantized.pull, targets, scale);
    return spread
      ? { ...quantized, pull: backend.combine(quantized.pull, spread, 1, 1) }
      : quantized;
  }

  /** Where the gradients of what rows are quantized by go, or under `ema` their sums. */
  get #ofCodebooks(): Floats {
    return this.#sums ?? this.#gradientViews.get("codebooks")!;
  }

  /** What Gumbel-softmax makes of latents in this step. */
  #mix(z: Floats, { distances }: QuantizedLevels): GumbelPass {
    const { bottleneck, seed } = this.plan;
    return gumbelPass(this.#soft!, z, this.#codebooks, distances, {
      levels: distances.shape[0]!,
      temperature: temperatureAt(this.#step, this.plan),
      seed: seed % 2 ** 32,
      firstCall: (this.#step * bottleneck.groups * bottleneck.sizes.length) % 2 ** 32,
    });
  }

  /** The loss of the alignment with the second embedding; the gradient of its map is written. */
  #align(q: Floats, aligned: Floats): RowLosses {
    const weight = this.#views.get(ALIGNMENT_MAP);
    const map = weight && { weight, gradient: this.#gradientViews.get(ALIGNMENT_MAP)! };
    const backend = distributionsFor(this.plan, this.backend)!;
    return alignmentLoss(backend, q, aligned, map, this.plan.settings);
  }

  /** Moves codebooks to the averages of their rows. They are not parameters of the optimizer then. */
  #average(counts: Floats, used: number): void {
    const { backend, plan } = this;
    const { groups } = plan.bottleneck;
    const shape = [groups * used, plan.latent / groups];
    const rows = (tensor: Floats): Floats => backend.reshape(backend.slice(tensor, 0, used), shape);
    const usage = backend.slice(this.#usage, 0, groups * used);
    backend.emaStep(rows(this.#codebooks), rows(this.#sums!), counts, usage, plan.settings.decay);
  }

  /** Replaces the pull on the batch's last rows by one towards the codewords meant for them. */
  #pullToTargets(z: Floats, pull: Floats, { count, codes }: Targets, scale: number): void {
    const { backend, plan } = this;
    const { groups } = plan.bottleneck;
    const rows = z.shape[0]!;
    let meant: Floats | undefined;
    this.#levelBooks(this.#codebooks).forEach((book, l) => {
      const chosen = backend.gather(book, backend.tensor(codes[l]!, [count, groups]));
      meant = meant ? backend.combine(meant, chosen, 1, 1) : chosen;
    });
    const weight = scale * plan.settings.separation;
    const wanted = backend.combine(backend.slice(z, rows - count, rows), meant!, weight, -weight);
    backend.write(backend.slice(pull, rows - count, rows), wanted);
  }

  /** Each level's codebooks, `[groups, k, d]`, as views. */
  #levelBooks(codebooks: Floats): Floats[] {
    const { backend, plan } = this;
    const { sizes, groups } = plan.bottleneck;
    let start = 0;
    return sizes.map((size) => {
      const level = backend.slice(codebooks, start, start + size);
      start += size;
      return backend.reshape(level, [groups, size, plan.latent / groups]);
    });
  }

  /** A level's codewords, one a row. */
  #levelRows(codebooks: Floats): Floats[] {
    return this.#levelBooks(codebooks).map((book) =>
      this.backend.reshape(book, [book.shape[0]! * book.shape[1]!, book.shape[2]!]),
    );
  }

  /** What rows are quantized by: each level's frozen codebooks, mapped. */
  #project(): void {
    const mapped = this.#levelRows(this.#codebooks);
    this.#levelRows(this.#views.get("codebooks")!).forEach((frozen, l) => {
      const { output } = this.backend.linear(frozen, this.#views.get(`map.${l}`)!);
      this.backend.write(mapped[l]!, output);
    });
  }

  /** The gradients of the maps, of those of the mapped codebooks. */
  #projectGradients(): void {
    const gradients = this.#levelRows(this.#sums!);
    this.#levelRows(this.#views.get("codebooks")!).forEach((frozen, l) => {
      const weight = this.#gradientViews.get(`map.${l}`)!;
      this.backend.parameterGradients(frozen, gradients[l]!, { weight });
    });
  }

  #update(levels: number): void {
    const { backend, plan } = this;
    const { settings, layout, codebooks } = plan;
    const { clip } = settings;
    const norm =
      clip === undefined
        ? {}
        : { clip: { squaredNorm: backend.sumOfSquares(this.#gradients), limit: clip } };
    const update = (start: number, end: number, step: number, decay: number): void => {
      if (start === end) return;
      const part = (tensor: Floats): Floats => backend.slice(tensor, start, end);
      backend.optimizerStep(
        part(this.#parameters),
        part(this.#gradients),
        this.#optimizer.map(part),
        { ...this.#rule(step), weightDecay: decay, ...norm },
      );
    };
    const { weightDecay } = settings;
    const split = weightDecay > 0 ? layout.decayed : 0;
    update(0, split, this.#step + 1, weightDecay);
    update(split, codebooks, this.#step + 1, 0);
    // Codebooks begin later, and with them what the optimizer has seen of them.
    if (levels > 0 && settings.codebooks === "gradient") {
      update(codebooks, layout.size, this.#step + 1 - settings.pretraining, 0);
    }
    if (levels > 0 && settings.codebooks === "projected") this.#project();
  }

  #rule(step: number): OptimizerUpdate {
    const { settings } = this.plan;
    const learningRate = learningRateAt(this.#step, this.plan);
    const [beta1, beta2] = settings.betas;
    switch (settings.optimizer) {
      case "adamw":
        return { rule: "adamw", learningRate, beta1, beta2, epsilon: 1e-8, step };
      case "adagrad":
        return { rule: "adagrad", learningRate, epsilon: 1e-10 };
      case "sgd":
        return { rule: "sgd", learningRate, momentum: settings.momentum };
    }
  }
}

/**
 * The backend with its kernels for distributions, where the plan needs them.
 *
 * @throws {BackendError} that names what the backend lacks
 */
export function distributionsFor(
  { settings, alignment }: Plan,
  backend: TrainingBackend,
): DistributionBackend | undefined {
  if (settings.estimator === "gumbel") return distributionBackend(backend, 'estimator "gumbel"');
  if (settings.entropy > 0) return distributionBackend(backend, "entropy");
  return alignment === undefined ? undefined : distributionBackend(backend, "alignment");
}

/** The state before the first step. */
export function initialState(plan: Plan, parameters: Float32Array): TrainerState {
  const { bottleneck, settings, layout } = plan;
  return {
    step: 0,
    parameters,
    optimizer: Array.from({ length: stateCount(settings) }, () => new Float32Array(layout.size)),
    usage: new Float32Array(bottleneck.groups * codewordsPerGroup(bottleneck)),
  };
}
