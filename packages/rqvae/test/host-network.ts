import {
  referenceActivation,
  referenceBalancedAssign,
  referenceDropout,
} from "@tessera/backend-testkit";
import { codebooksIn } from "../src/bottleneck.js";
import { bounded, rounded } from "./host-finite.js";
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
      if (settings.norm === "batch") {
        const scale = this.#slot(`${name}.${i}.norm.scale`);
        const shift = this.#slot(`${name}.${i}.norm.shift`);
        const count = values.length;
        const means = Array.from(
          scale,
          (_, j) => values.reduce((s, row) => s + row[j]!, 0) / count,
        );
        const variances = means.map(
          (mean, j) => values.reduce((s, row) => s + (row[j]! - mean) ** 2, 0) / count,
        );
        values = values.map((row) =>
          row.map(
            (v, j) => ((v - means[j]!) / Math.sqrt(variances[j]! + 1e-5)) * scale[j]! + shift[j]!,
          ),
        );
      }
      if (settings.norm === "layer") {
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
    const { finite, sizes } = this.plan.bottleneck;
    const books = this.#codebooks();
    const z = this.latents(rows);
    const held = {
      z,
      books,
      codes: z.map((): number[][] => []),
      codewords: z.map((): Row[] => []),
      residuals: z.map((): Row[] => []),
    };
    if (finite) return { ...held, q: z.map((row) => row.map((v, j) => rounded(v, sizes[j]!))) };
    let left: readonly Row[] = z;
    for (let l = 0; l < levels; l++) {
      const codes = this.#choose(left, books[l]!, l);
      left = left.map((row, i) => {
        const codeword = codes[i]!.flatMap((code, group) => books[l]![group]![code]!);
        held.codes[i]!.push(codes[i]!);
        held.codewords[i]!.push(codeword);
        held.residuals[i]!.push(row);
        return minus(row, codeword);
      });
    }
    return { ...held, q: z.map((row, i) => minus(row, left[i]!)) };
  }

  /** Codes of each row and group on a level: the nearest, or those that share rows out. */
  #choose(left: readonly Row[], books: readonly (readonly Row[])[], l: number): number[][] {
    const { bottleneck, latent, settings } = this.plan;
    const dimension = latent / bottleneck.groups;
    const { balance, balanceIterations: iterations } = settings;
    const epsilon = typeof balance === "number" ? balance : balance[l]!;
    if (epsilon > 0) {
      const shape = { groups: books.length, codebookSize: bottleneck.sizes[l]!, dimension };
      const x = Float32Array.from(left.flat());
      const book = Float32Array.from(books.flat(2));
      const { codes } = referenceBalancedAssign(x, book, shape, { epsilon, iterations });
      return left.map((_, i) => books.map((_book, group) => codes[i * books.length + group]!));
    }
    return left.map((row) =>
      books.map((book, group) => {
        const slice = row.slice(group * dimension, (group + 1) * dimension);
        const distances = book.map((c) => square(minus(slice, c)));
        return distances.indexOf(Math.min(...distances));
      }),
    );
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
    if (bottleneck.finite) return loss;
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
    const { finite, sizes } = this.plan.bottleneck;
    if (finite) {
      const boundedRow = (row: Row): number[] => row.map((value, j) => bounded(value, sizes[j]!));
      return sum(boundedRow(z), minus(q, boundedRow(z0)));
    }
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
