import type { DistributionBackend, Tensor } from "@tessera/core";
import type { Plan } from "./plan.js";

type Floats = Tensor<"float32">;

/** A codebook of one level and group, scored by whole latents: its codewords are 0 outside the group's slice. */
export interface SoftCodebook {
  readonly level: number;
  readonly group: number;
  /** `[k, latent]` */
  readonly codewords: Floats;
  /** `[k]`: −½‖c‖². */
  readonly bias: Floats;
}

/**
 * Codebooks as what distributions over codewords are made of: the logits of row r are r·c − ½‖c‖², which is −½‖r − c‖² up to
 * what all codewords share, and gradients go back through them to rows and codewords.
 */
export class SoftCodebooks {
  readonly backend: DistributionBackend;
  readonly groups: number;
  readonly #plan: Plan;
  /** What squared norms are the squared distances from. */
  readonly #origin: Floats;
  /** 0, 1, 2, … as codes: a row of its own for each. */
  readonly #order: Tensor<"int32">;
  /** Where products go before they are added up. */
  readonly #scratch: { readonly weight: Floats; readonly bias: Floats };
  /** `[latent, latent / groups]` of each group: its columns of the identity. */
  readonly #columns: readonly Floats[];

  constructor(backend: DistributionBackend, plan: Plan) {
    const { bottleneck, latent } = plan;
    const most = Math.max(...bottleneck.sizes);
    this.backend = backend;
    this.#plan = plan;
    this.groups = bottleneck.groups;
    this.#origin = backend.zeros([most, latent], "float32");
    this.#order = backend.tensor(
      Int32Array.from({ length: most }, (_, i) => i),
      [most, 1],
    );
    this.#scratch = {
      weight: backend.zeros([most, latent], "float32"),
      bias: backend.zeros([most], "float32"),
    };
    const width = latent / this.groups;
    const columnsOf = (group: number): Floats => {
      const values = new Float32Array(latent * width);
      for (let i = 0; i < width; i++) values[(group * width + i) * width + i] = 1;
      return backend.tensor(values, [latent, width]);
    };
    this.#columns =
      this.groups === 1 ? [] : Array.from({ length: this.groups }, (_, g) => columnsOf(g));
  }

  dispose(): void {
    const { weight, bias } = this.#scratch;
    for (const tensor of [this.#origin, this.#order, weight, bias, ...this.#columns]) {
      tensor.dispose();
    }
  }

  /** Each group's codebook of a level. @param codebooks `[Σk, latent]` */
  level(codebooks: Floats, level: number): readonly SoftCodebook[] {
    const { backend } = this;
    return Array.from({ length: this.groups }, (_, group) => {
      const own = this.#slot(codebooks, level, group);
      const codewords =
        this.groups === 1 ? own : backend.matmul(own, this.#columns[group]!, { transposeB: true });
      const origin = backend.slice(this.#origin, 0, codewords.shape[0]!);
      const half = { kind: "squared", weight: -0.5 } as const;
      const bias = backend.reconstructionLoss(codewords, origin, half).losses;
      return { level, group, codewords, bias };
    });
  }

  /** A level's codebooks as kernels for codes take them, `[groups, k, latent / groups]`. */
  codewords(codebooks: Floats, level: number): Floats {
    const { groups } = this;
    const { bottleneck, latent } = this.#plan;
    const size = bottleneck.sizes[level]!;
    const start = bottleneck.sizes.slice(0, level).reduce((sum, each) => sum + each, 0);
    const all = this.backend.slice(codebooks, start, start + size);
    return this.backend.reshape(all, [groups, size, latent / groups]);
  }

  /**
   * What the nearest codewords of a level leave, in each group the mean over rows, `[1]`: the unit of temperatures.
   *
   * @param distances `[levels, n, groups]`
   */
  units(distances: Floats, level: number): readonly Floats[] {
    const { backend, groups } = this;
    const rows = distances.shape[1]!;
    const own = backend.reshape(backend.slice(distances, level, level + 1), [rows, groups]);
    const { sums } = backend.clusterSums(own, backend.zeros([rows, groups], "int32"), 1);
    const means = backend.reshape(backend.combine(sums, sums, 1 / rows, 0), [groups]);
    return Array.from({ length: groups }, (_, group) => backend.slice(means, group, group + 1));
  }

  /** The logits of rows, `[n, k]`. @param rows `[n, latent]` */
  logits(rows: Floats, { codewords, bias }: SoftCodebook): Floats {
    return this.backend.linear(rows, codewords, { bias }).output;
  }

  /**
   * The gradients back through {@link logits}.
   *
   * @param gradient `[n, k]`, with respect to the logits
   * @param add `[n, latent]`, added to the gradient of the rows
   * @returns rows `[n, latent]`, codewords `[k, latent]`
   */
  back(
    rows: Floats,
    { codewords }: SoftCodebook,
    gradient: Floats,
    add: Floats | undefined,
  ): { readonly rows: Floats; readonly codewords: Floats } {
    const { backend } = this;
    const size = codewords.shape[0]!;
    const weight = backend.slice(this.#scratch.weight, 0, size);
    const bias = backend.slice(this.#scratch.bias, 0, size);
    const into = { weight, bias };
    const passed = backend.linearGradients(rows, codewords, gradient, into, add && { add });
    // Each codeword times the sum of its logits' gradients, which is what −½‖c‖² adds.
    const order = backend.slice(this.#order, 0, size);
    const { sums } = backend.clusterSums(codewords, order, size, bias);
    const scaled = backend.reshape(sums, codewords.shape);
    return { rows: passed, codewords: backend.combine(weight, scaled, 1, -1) };
  }

  /** Adds to the gradients of a codebook. @param into of all codebooks, `[Σk, latent]`, written in place */
  add(into: Floats, { level, group }: SoftCodebook, gradient: Floats): void {
    const { backend } = this;
    const place = this.#slot(into, level, group);
    const own = this.groups === 1 ? gradient : backend.matmul(gradient, this.#columns[group]!);
    backend.write(place, backend.combine(place, own, 1, 1));
  }

  /** The part of a level's group, `[k, latent / groups]`, as a view. */
  #slot(codebooks: Floats, level: number, group: number): Floats {
    const all = this.codewords(codebooks, level);
    const own = this.backend.slice(all, group, group + 1);
    return this.backend.reshape(own, all.shape.slice(1));
  }
}
