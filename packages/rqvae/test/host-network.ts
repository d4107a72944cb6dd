import { referenceActivation, referenceDropout } from "@tessera/backend-testkit";
import { codebooksIn } from "../src/bottleneck.js";
import { ALIGNMENT_MAP, type Plan, temperatureAt } from "../src/plan.js";
import { type Books, contrast, entropyLoss, mixed, unitsOf } from "./host-soft.js";

/** A row on the host, in float64. */
type Row = readonly number[];

/** What stop-gradients hold constant: all that depends on the parameters at one point. */
export interface Held {
  /** Codes of each row, level by level and group by group. */
  readonly codes: readonly (readonly (readonly number[])[])[];
  readonly z: readonly Row[];
  readonly q: readonly Row[];
  /** The codewords of each row and level. */
  readonly codewords: readonly (readonly Row[])[];
  /** The residuals of each row and level, before the level. */
  readonly residuals: readonly (readonly Row[])[];
  /** By level and group. */
  readonly books: Books;
}

const sum = (a: Row, b: Row): number[] => a.map((value, i) => value + b[i]!);
const minus = (a: Row, b: Row): number[] => a.map((value, i) => value - b[i]!);
const dot = (a: Row, b: Row): number => a.reduce((total, value, i) => total + value * b[i]!, 0);
const square = (a: Row): number => dot(a, a);

/** The network of a plan in float64, with a loss whose stop-gradients are held constants. Written to be read. */
export class HostNetwork {
  readonly plan: Plan;
  readonly parameters: Float64Array;
  /** Masks are drawn for this step. */
  readonly step: number;

  constructor(plan: Plan, parameters: Float64Array, step = 0) {
    this.plan = plan;
    this.parameters = parameters;
    this.step = step;
  }

  #slot(name: string): Float64Array {
    const { start, shape } = this.plan.layout.slots.find((slot) => slot.name === name)!;
    return this.parameters.subarray(start, start + shape.reduce((a, b) => a * b, 1));
  }

  #network(name: "encoder" | "decoder", rows: readonly Row[]): Row[] {
    const { settings, widths, seed } = this.plan;
    let values = rows.map((row) => [...row]);
    for (let i = 0; i < widths.length; i++) {
      const weight = this.#slot(`${name}.${i}.weight`);
      const bias = this.#slot(`${name}.${i}.bias`);
      const inputs = values[0]!.length;
      values = values.map((row) =>
        Array.from(bias, (b, j) => b + row.reduce((s, v, p) => s + v * weight[j * inputs + p]!, 0)),
      );
      if (i + 1 === widths.length) break;
      if (settings.layerNorm) {
        const scale = this.#slot(`${name}.${i}.norm.scale`);
        const shift = this.#slot(`${name}.${i}.norm.shift`);
        values = values.map((row) => {
          const mean = row.reduce((s, v) => s + v, 0) / row.length;
          const variance = row.reduce((s, v) => s + (v - mean) ** 2, 0) / row.length;
          return row.map(
            (v, j) => ((v - mean) / Math.sqrt(variance + 1e-5)) * scale[j]! + shift[j]!,
          );
        });
      }
      values = values.map((row) => row.map((v) => referenceActivation(settings.activation, v)));
      if (settings.dropout > 0) {
        const depth = widths.length;
        const call = 2 * this.step * depth + (name === "decoder" ? depth : 0) + i;
        const width = values[0]!.length;
        const ones = new Float32Array(values.length * width).fill(1);
        const mask = referenceDropout(ones, settings.dropout, seed, call);
        values = values.map((row, r) => row.map((v, j) => v * mask[r * width + j]!));
      }
    }
    return settings.skip ? values.map((row, i) => sum(row, rows[i]!)) : values;
  }

  latents(rows: readonly Row[]): Row[] {
    return this.#network("encoder", rows);
  }

  /** Everything that the loss's stop-gradients hold, at these parameters. */
  hold(rows: readonly Row[], levels: number): Held {
    const { bottleneck, latent } = this.plan;
    const { groups } = bottleneck;
    const width = latent / groups;
    const books = this.#codebooks();
    const z = this.latents(rows);
    const codes: number[][][] = [];
    const codewords: Row[][] = [];
    const residuals: Row[][] = [];
    const q = z.map((row) => {
      let left: Row = row;
      let total: Row = row.map(() => 0);
      const [own, chosen, before]: [number[][], Row[], Row[]] = [[], [], []];
      for (let l = 0; l < levels; l++) {
        before.push(left);
        own.push([]);
        const codeword: number[] = [];
        for (let group = 0; group < groups; group++) {
          const slice = left.slice(group * width, (group + 1) * width);
          const book = books[l]![group]!;
          const distances = book.map((c) => square(minus(slice, c)));
          const code = distances.indexOf(Math.min(...distances));
          own[l]!.push(code);
          codeword.push(...book[code]!);
        }
        chosen.push(codeword);
        total = sum(total, codeword);
        left = minus(left, codeword);
      }
      codes.push(own);
      codewords.push(chosen);
      residuals.push(before);
      return total;
    });
    return { codes, z, q, codewords, residuals, books };
  }

  /** Codewords by level and group, mapped under `projected`. */
  #codebooks(): Row[][][] {
    const { bottleneck, latent, settings } = this.plan;
    const flat = Float32Array.from(this.#slot("codebooks"));
    const exact = this.#slot("codebooks");
    return codebooksIn(flat, bottleneck, latent).map((level, l) =>
      level.map(({ data, rows, cols }) =>
        Array.from({ length: rows }, (_, k) => {
          const at = (data.byteOffset - flat.byteOffset) / 4 + k * cols;
          const frozen = Array.from(exact.subarray(at, at + cols));
          if (settings.codebooks !== "projected") return frozen;
          const map = this.#slot(`map.${l}`);
          return frozen.map((_v, j) =>
            dot(frozen, Array.from(map.subarray(j * cols, (j + 1) * cols))),
          );
        }),
      ),
    );
  }

  /**
   * The loss, with what is held constant as it was. Without levels, that of the autoencoder alone.
   *
   * @param aligned unit rows of the second embedding
   */
  loss(rows: readonly Row[], levels: number, held: Held, aligned?: readonly Row[]): number {
    const { settings, dimension, latent, bottleneck } = this.plan;
    const z = this.latents(rows);
    const passed = levels === 0 ? z : this.#passAll(z, levels, held);
    const output = this.#network("decoder", passed);
    const mean = settings.reduction === "mean";
    const weight = 1 / (mean ? rows.length * dimension : rows.length);
    let loss = 0;
    output.forEach((y, i) => {
      loss += weight * reconstruction(settings.reconstruction, y, rows[i]!);
    });
    if (aligned) {
      const { alignmentWeight, alignmentTemperature } = settings;
      loss += alignmentWeight * contrast(this.#map(passed), aligned, alignmentTemperature);
    }
    const books = this.#codebooks();
    const units = unitsOf(held.residuals, held.codewords, bottleneck.groups);
    for (let l = 0; l < levels && settings.entropy > 0; l++) {
      const left = z.map((row, i) => sum(minus(row, held.z[i]!), held.residuals[i]![l]!));
      const ofLevel = settings.codebooks === "ema" ? held.books[l]! : books[l]!;
      const { entropy, entropyTemperature, diversity } = settings;
      loss += entropy * entropyLoss(left, ofLevel, units[l]!, entropyTemperature, diversity);
    }
    const scale = 1 / (mean ? rows.length * latent : rows.length);
    z.forEach((row, i) => {
      for (let l = 0; l < levels; l++) {
        const own = scale * (settings.levelWeights?.[l] ?? 1);
        const moved = sum(minus(row, held.z[i]!), held.residuals[i]![l]!);
        loss += own * settings.commitment * square(minus(moved, held.codewords[i]![l]!));
        if (settings.codebooks === "ema") continue;
        const codeword = Array.from(
          { length: bottleneck.groups },
          (_, group) => books[l]![group]![held.codes[i]![l]![group]!]!,
        ).flat();
        loss += own * settings.codebook * square(minus(held.residuals[i]![l]!, codeword));
      }
    });
    return loss;
  }

  /** Latents in the second embedding's dimension. */
  #map(rows: readonly Row[]): readonly Row[] {
    const { alignment, latent } = this.plan;
    if (alignment === latent) return rows;
    const map = this.#slot(ALIGNMENT_MAP);
    return rows.map((row) =>
      Array.from({ length: alignment! }, (_, j) =>
        dot(row, Array.from(map.subarray(j * latent, (j + 1) * latent))),
      ),
    );
  }

  /** What the decoder is given. */
  #passAll(z: readonly Row[], levels: number, held: Held): Row[] {
    const { settings, seed, bottleneck } = this.plan;
    if (settings.estimator !== "gumbel") return z.map((row, i) => this.#pass(row, i, held));
    const units = unitsOf(held.residuals, held.codewords, bottleneck.groups);
    return mixed(z, this.#codebooks().slice(0, levels), units, {
      temperature: temperatureAt(this.step, this.plan),
      seed,
      firstCall: this.step * bottleneck.sizes.length * bottleneck.groups,
    });
  }

  /** The straight-through estimator, or the rotation trick, as a function of z. */
  #pass(z: Row, i: number, held: Held): Row {
    const q = held.q[i]!;
    const z0 = held.z[i]!;
    if (this.plan.settings.estimator === "straight-through") return sum(z, minus(q, z0));
    const [zLength, qLength] = [Math.sqrt(square(z0)), Math.sqrt(square(q))];
    const zUnit = z0.map((value) => value / zLength);
    const qUnit = q.map((value) => value / qLength);
    const between = sum(zUnit, qUnit);
    const r = between.map((value) => value / Math.sqrt(square(between)));
    return z.map(
      (value, j) =>
        (qLength / zLength) * (value - 2 * dot(r, z) * r[j]! + 2 * dot(zUnit, z) * qUnit[j]!),
    );
  }
}

function reconstruction(kind: string, y: Row, x: Row): number {
  if (kind === "squared") return square(minus(y, x));
  const unit = y.map((value) => value / Math.sqrt(square(y)));
  if (kind === "normalized") return square(minus(unit, x));
  return 1 - dot(unit, x) / Math.sqrt(square(x));
}
