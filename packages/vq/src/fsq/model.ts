import { type DeviceEncoder, encodeOnDevice } from "@tessera/backend";
import {
  checkFinite,
  checkMatrix,
  type Codes,
  type CompleteBackend,
  decodeTerms,
  type EncodeOptions,
  type FsqSpec,
  type HostTensor,
  type Matrix,
  type Model,
  type ModelState,
  printSpec,
  type Rows,
  saveModel,
  ShapeError,
  type Term,
  throwIfAborted,
  type WorkOptions,
} from "@tessera/core";
import { boundedValues, boundSteps } from "./bound.js";

/** What fitting learned of the data, unless `scale` is `none`. */
export interface FsqScales {
  /** Where the bound is centred in each dimension, `[1, d]`. */
  readonly center: Matrix;
  /** What one unit of the bound's argument is in each dimension, `[1, d]`; above 0. */
  readonly scale: Matrix;
  /** What codes decode to, `[Σ levels, 1]`: those of the first dimension, those of the second, and so on. */
  readonly values: Matrix;
}

/** What fitting found out, kept with the model. */
export interface FsqFacts {
  /** Mean over the training rows of the squared L2 error; not under `scale` `none`. */
  readonly distortion?: number;
}

const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/**
 * Finite scalar quantization (Mentzer et al. 2023): each dimension is bounded by tanh and rounded to one of a few values.
 * One column of codes for each dimension; `fsqIndices` makes one index of them.
 */
export class FsqModel implements Model<FsqSpec> {
  readonly spec: FsqSpec;
  readonly scales: FsqScales | undefined;
  readonly facts: FsqFacts;
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[];
  readonly terms: readonly Term[];
  /** What a value of each dimension must exceed for each further code, `[max(levels) − 1, d]`; filled up with the largest float32. */
  readonly #thresholds: Matrix;

  /**
   * @param scales what was learned; none under `scale` `none`
   * @throws {ShapeError | NonFiniteError} if they do not fit the spec
   */
  constructor(spec: FsqSpec, scales?: FsqScales, facts: FsqFacts = {}) {
    const { levels } = spec;
    const d = levels.length;
    if ((scales === undefined) !== (spec.scale === "none")) {
      throw new ShapeError(`${printSpec(spec)} ${scales ? "takes no scales" : "has no scales"}`);
    }
    if (scales) checkScales(scales, levels);
    this.spec = spec;
    this.scales = scales;
    this.facts = facts;
    this.dimension = d;
    this.cardinalities = levels;
    this.prefixes = [d];
    this.#thresholds = thresholdsOf(levels, scales);
    let at = 0;
    this.terms = levels.map((count, j) => {
      const values = scales
        ? scales.values.data.subarray(at, at + count)
        : Float32Array.from(boundedValues(count));
      at += count;
      return { column: j, offset: j, codebook: { data: values, rows: count, cols: 1 } };
    });
  }

  encode(rows: Rows, options: EncodeOptions = {}): Promise<Codes> {
    return encodeOnDevice(
      this,
      rows,
      (backend) => openEncoder(backend, this.#thresholds, this.cardinalities),
      options,
    );
  }

  async decode(codes: Codes, options: WorkOptions = {}): Promise<Matrix> {
    throwIfAborted(options.signal);
    return decodeTerms(this, this.terms, codes);
  }

  state(): ModelState {
    const tensors: Record<string, HostTensor> = {};
    for (const [name, { data, rows, cols }] of Object.entries(this.scales ?? {})) {
      tensors[name] = { dtype: "F32", shape: [rows, cols], data };
    }
    return { tensors, facts: { ...this.facts } };
  }

  save(): Uint8Array {
    return saveModel(this);
  }
}

function checkScales(scales: FsqScales, levels: readonly number[]): void {
  const shapes = {
    center: [1, levels.length],
    scale: [1, levels.length],
    values: [levels.reduce((sum, count) => sum + count, 0), 1],
  } as const;
  for (const name of ["center", "scale", "values"] as const) {
    const matrix = scales[name];
    checkMatrix(matrix, name);
    checkFinite(matrix, name);
    const [rows, cols] = shapes[name];
    if (matrix.rows !== rows || matrix.cols !== cols) {
      throw new ShapeError(
        `${name} is [${matrix.rows}, ${matrix.cols}]; the spec needs [${rows}, ${cols}]`,
      );
    }
  }
  const wrong = scales.scale.data.findIndex((value) => !(value > 0));
  if (wrong >= 0) throw new ShapeError(`the scale of dimension ${wrong} is not above 0`);
}

export function thresholdsOf(levels: readonly number[], scales: FsqScales | undefined): Matrix {
  const d = levels.length;
  const rows = Math.max(...levels) - 1;
  const data = new Float32Array(rows * d).fill(MAX_FLOAT32);
  levels.forEach((count, j) => {
    const center = scales?.center.data[j] ?? 0;
    const scale = scales?.scale.data[j] ?? 1;
    boundSteps(count, scales === undefined).forEach((step, k) => {
      const value = center + scale * step;
      data[k * d + j] = Math.min(Math.max(value, -MAX_FLOAT32), MAX_FLOAT32);
    });
  });
  return { data, rows, cols: d };
}

function openEncoder(
  backend: CompleteBackend,
  { data, rows, cols }: Matrix,
  levels: readonly number[],
): DeviceEncoder {
  const thresholds = backend.tensor(data, [rows, cols]);
  const most = Math.max(...levels);
  const bits = ([1, 2, 4, 8] as const).find((width) => 2 ** width >= most) ?? 8;
  return {
    valuesPerRow: cols,
    async encode(x) {
      const packed = backend.thresholdEncode(x, thresholds, { bits });
      const bytes = packed.read();
      packed.dispose();
      return unpack(await bytes, cols, bits);
    },
    dispose: () => thresholds.dispose(),
  };
}

/** A byte for each code of rows that are filled up to whole bytes. */
function unpack(packed: Uint8Array, columns: number, bits: number): Uint8Array {
  if (bits === 8) return packed;
  const rowBytes = Math.ceil((columns * bits) / 8);
  const codes = new Uint8Array((packed.length / rowBytes) * columns);
  const mask = 2 ** bits - 1;
  for (let row = 0, at = 0; at < codes.length; row += rowBytes) {
    for (let j = 0; j < columns; j++, at++) {
      const bit = j * bits;
      codes[at] = (packed[row + (bit >> 3)]! >> (bit & 7)) & mask;
    }
  }
  return codes;
}
