import { ArgumentError, FormatError, ShapeError } from "@tessera/core";
import type { HostDType } from "@tessera/core";
import { readExactly, type ByteSource } from "./source.js";
import { rowStride, type Table } from "./table.js";

/**
 * The vector files of the TEXMEX benchmarks (http://corpus-texmex.irisa.fr): each vector is its dimension as an int32,
 * then its elements, little-endian; float32 in fvecs, int32 in ivecs, uint8 in bvecs.
 */

export type VecsFormat = "fvecs" | "ivecs" | "bvecs";

const VECS_DTYPES: Readonly<Record<VecsFormat, HostDType>> = {
  fvecs: "F32",
  ivecs: "I32",
  bvecs: "U8",
};

/** Rows of a matrix as fvecs. The bytes of consecutive batches can be joined to one file. */
export function encodeFvecs(data: Float32Array, cols: number): Uint8Array {
  if (!(data instanceof Float32Array)) throw new ArgumentError("fvecs needs a Float32Array");
  return encodeVecs(data, cols);
}

/** Rows of a matrix as ivecs. */
export function encodeIvecs(data: Int32Array, cols: number): Uint8Array {
  if (!(data instanceof Int32Array)) throw new ArgumentError("ivecs needs an Int32Array");
  return encodeVecs(data, cols);
}

/** Rows of a matrix as bvecs. */
export function encodeBvecs(data: Uint8Array, cols: number): Uint8Array {
  if (!(data instanceof Uint8Array)) throw new ArgumentError("bvecs needs a Uint8Array");
  return encodeVecs(data, cols);
}

function encodeVecs(data: Float32Array | Int32Array | Uint8Array, cols: number): Uint8Array {
  if (!Number.isInteger(cols) || cols < 1 || data.length % cols !== 0) {
    throw new ShapeError(`${data.length} values do not fill rows of ${cols}`);
  }
  const values = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const rowBytes = cols * data.BYTES_PER_ELEMENT;
  const rows = data.length / cols;
  const bytes = new Uint8Array(rows * (4 + rowBytes));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < rows; i++) {
    const at = i * (4 + rowBytes);
    view.setInt32(at, cols, true);
    bytes.set(values.subarray(i * rowBytes, (i + 1) * rowBytes), at + 4);
  }
  return bytes;
}

/**
 * The layout of a file, from its first dimension and its size.
 *
 * @throws {FormatError} if the two cannot be true together
 */
export async function openVecs(source: ByteSource, format: VecsFormat): Promise<Table> {
  const { name, size } = source;
  if (size < 4) throw new FormatError(`${name} has ${size} bytes, too few for ${format}`);
  const head = await readExactly(source, 0, 4);
  const cols = new DataView(head.buffer, head.byteOffset, 4).getInt32(0, true);
  const dtype = VECS_DTYPES[format];
  const stride = rowStride({ dtype, cols, counted: true });
  if (cols < 1 || stride > size || size % stride !== 0) {
    const claim = `${name} says its vectors have ${cols} values`;
    throw new FormatError(
      cols < 1
        ? `${claim}`
        : `${claim}, so ${stride} bytes each; its ${size} bytes are not whole vectors`,
      { hint: `the file is cut short, damaged, or not ${format}` },
    );
  }
  return { dtype, littleEndian: true, rows: size / stride, cols, start: 0, counted: true };
}
