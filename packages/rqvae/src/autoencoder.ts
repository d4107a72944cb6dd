import { resolveBackend } from "@tessera/backend";
import {
  type Activation,
  FormatError,
  type HostTensor,
  type Matrix,
  ShapeError,
  type StateReader,
} from "@tessera/core";
import type { TransformModel, TransformOf, TransformOptions } from "@tessera/transforms";
import { type HostLayer, runLayers } from "./inference.js";
import { foldNorms } from "./fold.js";
import { valuesOf } from "./layout.js";
import type { Plan } from "./plan.js";
import { type Standard, standardized, unstandardized } from "./standardize.js";

/** What a model file keeps of an autoencoder beside its tensors. */
interface Shape {
  readonly activation: Exclude<Activation, "none">;
  /** Of hidden layers. Batch normalization is part of their weights, once fitted. */
  readonly norm: "none" | "layer";
  readonly skip: boolean;
  /** Decoded rows are brought to length 1, which is how the reconstruction was compared. */
  readonly unit: boolean;
}

/** The parts of an {@link Autoencoder}. */
export interface AutoencoderParts extends Shape {
  readonly encoder: readonly HostLayer[];
  readonly decoder: readonly HostLayer[];
  readonly standard: Standard;
}

/**
 * An autoencoder about a quantizer: rows become latents, z = encoder((x − mean) / deviation), and quantized latents become
 * rows, decoder(q) · deviation + mean. What the latent cannot hold is part of the distortion.
 */
export class Autoencoder implements TransformModel<TransformOf<"ae">> {
  readonly spec: TransformOf<"ae">;
  readonly inputDimension: number;
  readonly outputDimension: number;
  readonly isometric = false;
  readonly parts: AutoencoderParts;

  /** @throws {ShapeError} if layers do not follow one another from rows to latents and back */
  constructor(parts: AutoencoderParts) {
    const { encoder, decoder, standard, skip } = parts;
    const dimension = encoder[0]?.weight.cols ?? 0;
    const widths = checkLayers(encoder, dimension, "encoder");
    const latent = widths.at(-1) ?? 0;
    const back = checkLayers(decoder, latent, "decoder").at(-1);
    if (back !== dimension || standard.mean.cols !== dimension) {
      throw new ShapeError(
        `the decoder makes rows of ${back} values, the encoder takes ${dimension}`,
      );
    }
    if (skip && latent !== dimension) {
      throw new ShapeError(`a skip adds latents of ${latent} values to rows of ${dimension}`);
    }
    this.spec = { kind: "ae", widths };
    this.inputDimension = dimension;
    this.outputDimension = latent;
    this.parts = parts;
  }

  async apply(rows: Matrix, { backend, signal }: TransformOptions = {}): Promise<Matrix> {
    checkCols(rows, this.inputDimension);
    const { encoder, standard, skip } = this.parts;
    const on = await resolveBackend(backend);
    return runLayers(on, encoder, spoilt(standardized(rows, standard)), skip, signal);
  }

  async invert(rows: Matrix, { backend, signal }: TransformOptions = {}): Promise<Matrix> {
    checkCols(rows, this.outputDimension);
    const { decoder, standard, skip, unit } = this.parts;
    const decoded = await runLayers(await resolveBackend(backend), decoder, rows, skip, signal);
    return unstandardized(unit ? unitRows(decoded) : decoded, standard);
  }

  tensors(): Readonly<Record<string, HostTensor>> {
    const { encoder, decoder, standard } = this.parts;
    const tensors: Record<string, HostTensor> = {
      mean: tensor(standard.mean),
      deviation: tensor(standard.deviation),
    };
    for (const [name, layers] of Object.entries({ encoder, decoder })) {
      layers.forEach(({ weight, bias, norm }, i) => {
        tensors[`${name}.${i}.weight`] = tensor(weight);
        tensors[`${name}.${i}.bias`] = tensor(bias);
        if (!norm) return;
        tensors[`${name}.${i}.norm.scale`] = tensor(norm.scale);
        tensors[`${name}.${i}.norm.shift`] = tensor(norm.shift);
      });
    }
    return tensors;
  }

  facts(): Readonly<Record<string, unknown>> {
    const { activation, norm, skip, unit } = this.parts;
    return { activation, norm, skip, unit };
  }
}

/** The autoencoder that training has come to. */
export function autoencoderOf(
  plan: Plan,
  parameters: Float32Array,
  standard: Standard,
): Autoencoder {
  const { settings, widths, layout } = plan;
  const { activation, skip, reconstruction } = settings;
  const folded = settings.norm === "batch" ? foldNorms(parameters, plan) : parameters;
  const read = (name: string): Matrix => {
    const [rows, cols] = layout.slots.find((slot) => slot.name === name)!.shape;
    const data = valuesOf(folded, layout, name).slice();
    return cols === undefined ? { data, rows: 1, cols: rows! } : { data, rows: rows!, cols };
  };
  const norm = settings.norm === "layer" ? "layer" : "none";
  const shape: Shape = { activation, norm, skip, unit: reconstruction !== "squared" };
  return new Autoencoder({
    ...shape,
    standard,
    encoder: makeLayers("encoder", widths.length, shape, read),
    decoder: makeLayers("decoder", widths.length, shape, read),
  });
}

/**
 * An autoencoder from a model file.
 *
 * @throws {FormatError} if its tensors or facts are not those of one
 */
export function restoreAutoencoder(
  { widths }: TransformOf<"ae">,
  state: StateReader,
  latent: number,
): Autoencoder {
  if (widths.at(-1) !== latent) {
    throw new FormatError(
      `the model's autoencoder gives ${widths.at(-1)} values, its quantizer takes ${latent}`,
    );
  }
  const { activation, norm, skip, unit } = state.facts;
  const known =
    ["relu", "gelu", "silu"].includes(activation as string) &&
    ["none", "layer"].includes(norm as string);
  if (!known || [skip, unit].some((flag) => typeof flag !== "boolean")) {
    throw new FormatError("the model's autoencoder lacks its activation, norm, skip or unit");
  }
  const shape = state.facts as unknown as Shape;
  const mean = state.matrix("mean", 1);
  // Outputs of the decoder's layers.
  const back = [...widths.slice(0, -1).toReversed(), mean.cols];
  const reading =
    (outputs: readonly number[]) =>
    (name: string): Matrix => {
      const layer = Number(name.split(".")[1]);
      return state.matrix(name, name.endsWith("weight") ? outputs[layer]! : 1);
    };
  try {
    return new Autoencoder({
      activation: shape.activation,
      norm: shape.norm,
      skip: shape.skip,
      unit: shape.unit,
      standard: { mean, deviation: state.matrix("deviation", 1) },
      encoder: makeLayers("encoder", widths.length, shape, reading(widths)),
      decoder: makeLayers("decoder", widths.length, shape, reading(back)),
    });
  } catch (error) {
    if (error instanceof ShapeError) throw new FormatError(error.message, { cause: error });
    throw error;
  }
}

function makeLayers(
  name: string,
  count: number,
  { activation, norm }: Pick<Shape, "activation" | "norm">,
  read: (name: string) => Matrix,
): HostLayer[] {
  return Array.from({ length: count }, (_, i) => {
    const hidden = i + 1 < count;
    return {
      weight: read(`${name}.${i}.weight`),
      bias: read(`${name}.${i}.bias`),
      norm:
        hidden && norm === "layer"
          ? { scale: read(`${name}.${i}.norm.scale`), shift: read(`${name}.${i}.norm.shift`) }
          : undefined,
      activation: hidden ? activation : "none",
    };
  });
}

/** The outputs of layers, each of which takes what the one before makes. */
function checkLayers(layers: readonly HostLayer[], inputs: number, name: string): number[] {
  let width = inputs;
  return layers.map(({ weight, bias, norm }, i) => {
    const vectors = [bias, ...(norm ? [norm.scale, norm.shift] : [])];
    if (weight.cols !== width || vectors.some(({ cols }) => cols !== weight.rows)) {
      throw new ShapeError(
        `layer ${i + 1} of the ${name} has weights [${weight.rows}, ${weight.cols}] for ${width} inputs`,
      );
    }
    return (width = weight.rows);
  });
}

function checkCols({ cols }: Matrix, dimension: number): void {
  if (cols === dimension) return;
  throw new ShapeError(`the rows have ${cols} values; the autoencoder takes ${dimension}`);
}

/** Rows with a value that is not finite become NaN throughout: an activation could hide an infinity. */
function spoilt(rows: Matrix): Matrix {
  const { data, cols } = rows;
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i]!)) continue;
    const row = Math.floor(i / cols);
    data.fill(NaN, row * cols, (row + 1) * cols);
    i = (row + 1) * cols - 1;
  }
  return rows;
}

function unitRows(rows: Matrix): Matrix {
  const { data, cols } = rows;
  for (let start = 0; start < data.length; start += cols) {
    let square = 0;
    for (let i = start; i < start + cols; i++) square += data[i]! * data[i]!;
    const length = Math.sqrt(square) || 1;
    for (let i = start; i < start + cols; i++) data[i]! /= length;
  }
  return rows;
}

function tensor({ data, rows, cols }: Matrix): HostTensor {
  return { dtype: "F32", shape: [rows, cols], data };
}
