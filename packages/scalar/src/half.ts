import {
  batchesOf,
  bfloat16ToFloat32,
  checkDimension,
  checkFinite,
  Codes,
  type EncodeOptions,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  joinCodes,
  type Matrix,
  type ModelState,
  pause,
  type Rows,
  withRowOffset,
} from "@tessera/core";
import { repeated, type ScalarCodec } from "./codec.js";

/** Largest finite bits of either sign. */
const LARGEST = { fp16: 0x7bff, bf16: 0x7f7f };
const BATCH_VALUES = 2 ** 20;

/**
 * Half precision (IEEE 754) or bfloat16: the code of a value is its 16 bits. A value beyond the largest becomes that.
 *
 * Nothing is learned, and no backend is asked: moving the values there would take longer than rounding them here.
 */
export class HalfCodec implements ScalarCodec {
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly format: "fp16" | "bf16";

  constructor(format: "fp16" | "bf16", dimension: number) {
    this.format = format;
    this.dimension = dimension;
    this.cardinalities = repeated(dimension, 2 ** 16);
  }

  async encode(rows: Rows, options: EncodeOptions): Promise<Codes> {
    const { signal, onProgress } = options;
    const total = (rows as { readonly rows?: number }).rows;
    const size = Math.max(1, Math.floor(BATCH_VALUES / this.dimension));
    const parts: Codes[] = [];
    let done = 0;
    for await (const batch of batchesOf(rows, size, signal)) {
      checkDimension(this, batch);
      parts.push(await withRowOffset(done, async () => this.#round(batch)));
      done += batch.rows;
      await onProgress?.({ task: "encode", done, total });
      await pause();
    }
    return parts.length > 0 ? joinCodes(parts) : new Codes([], this.cardinalities);
  }

  decode({ data, rows }: Codes): Matrix {
    const bits = data instanceof Uint16Array ? data : Uint16Array.from(data);
    const values = this.format === "fp16" ? float16ToFloat32(bits) : bfloat16ToFloat32(bits);
    return { data: values, rows, cols: this.dimension };
  }

  state(): ModelState {
    return { tensors: {}, facts: { dimension: this.dimension } };
  }

  #round(batch: Matrix): Codes {
    checkFinite(batch);
    const bits =
      this.format === "fp16" ? float32ToFloat16(batch.data) : float32ToBfloat16(batch.data);
    const largest = LARGEST[this.format];
    for (let i = 0; i < bits.length; i++) {
      if ((bits[i]! & 0x7fff) > largest) bits[i] = (bits[i]! & 0x8000) | largest;
    }
    return new Codes(bits, this.cardinalities);
  }
}
