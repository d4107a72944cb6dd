import type { Activation } from "@tessera/core";
import type { ProductExtents } from "@tessera/core/arguments";
import { type Device, flat, tiled, type View } from "./device.js";
import { ACTIVATIONS } from "./kernels/activation.js";
import {
  ADDED,
  columnSumsKernel,
  combineKernel,
  matmulKernel,
  matmulPartsKernel,
  sumPartsKernel,
} from "./kernels/dense.js";
import { DEPTH, TILE } from "./kernels/tile.js";
import { fitting, flattened, inParts, someOf } from "./parts.js";
import type { Storage } from "./storage.js";
import type { GpuTensor } from "./tensor.js";

type Floats = GpuTensor<"float32">;

export function combine(
  device: Device,
  tensors: { readonly a: Floats; readonly b: Floats; readonly out: Floats },
  alpha: number,
  beta: number,
): void {
  const values = {
    a: flattened(tensors.a),
    b: flattened(tensors.b),
    out: flattened(tensors.out),
  };
  inParts(device, values, ({ a, b, out }) => {
    device.run(combineKernel, {
      inputs: { a, b },
      outputs: { out },
      params: { items: out.size, alpha, beta },
      workgroups: flat(out.size),
    });
    device.settle({ inputs: [a, b], outputs: [out] });
  });
}

export interface Product extends ProductExtents {
  readonly a: Floats;
  readonly b: Floats;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

export interface Layer extends Product {
  readonly out: Floats;
  /** `[columns]`, added to every row. */
  readonly bias?: Floats | undefined;
  /** `[rows, columns]`, in place of a bias. */
  readonly add?: Floats | undefined;
  readonly activation?: Activation;
  /** Gets what the activation is applied to. */
  readonly pre?: Floats | undefined;
  /** Has the product multiplied by the activation's derivative at these values instead. */
  readonly before?: Floats | undefined;
}

export function multiply(device: Device, layer: Layer): void {
  const { a, out, add, pre, before } = layer;
  const rows = { out, add, pre, before };
  const inRows = layer.transposeA ? rows : { a, ...rows };
  // The rows of the result are columns of a transposed matrix, which are not one after another.
  const launch = (part: typeof rows, first: number): void =>
    multiplyRows(device, { ...layer, ...part }, layer.transposeA ? first : 0);
  inParts(device, inRows, launch, 1);
}

/**
 * Rows of a product, at once or, where a matrix that they all need cannot be bound, piece by piece: columns of the result,
 * and terms of its sums, which go on where those of the piece before ended.
 *
 * @param firstRow of the result, where `a` is transposed
 */
function multiplyRows(device: Device, layer: Layer, firstRow: number): void {
  const { a, b, out, bias, add, pre, before, transposeA, transposeB, inner, columns } = layer;
  const pitch = transposeA ? layer.rows : inner;
  const split = (matrix: Floats, width: number, all: number, unit: number = DEPTH): number =>
    matrix.bytes <= device.maxBound ? all : fitting(device, 4 * width, unit);
  const together = transposeB ? split(b, inner, columns, 1) : columns;
  const most = Math.min(
    transposeA ? split(a, pitch, inner) : inner,
    transposeB ? inner : split(b, columns, inner),
  );
  for (let firstColumn = 0; firstColumn < columns; firstColumn += together) {
    const some = Math.min(together, columns - firstColumn);
    let first = 0;
    // Once also without terms, whose sum is zero.
    do {
      const terms = Math.min(most, inner - first);
      multiplyPiece(device, layer, {
        a: transposeA
          ? someOf(a, first * pitch + firstRow, terms * pitch - firstRow)
          : someOf(a, first, a.size - first),
        b: transposeB
          ? someOf(b, firstColumn * inner + first, some * inner - first)
          : someOf(b, first * columns, terms * columns),
        terms,
        firstColumn,
        columns: some,
        continues: first > 0,
        finishes: first + terms === inner,
      });
      first += terms;
    } while (first < inner);
  }
  const inputs = [a, b, bias, add, before].filter((tensor) => tensor !== undefined);
  device.settle({ inputs, outputs: pre ? [out, pre] : [out] });
}

/** Some terms of some columns of a product. */
interface Piece {
  readonly a: View;
  readonly b: View;
  readonly terms: number;
  readonly firstColumn: number;
  readonly columns: number;
  readonly continues: boolean;
  /** These are the last terms, to which the rest of the layer is applied. */
  readonly finishes: boolean;
}

function multiplyPiece(device: Device, layer: Layer, piece: Piece): void {
  const { out, bias, activation = "none" } = layer;
  const { a, b, terms, firstColumn, columns, continues, finishes } = piece;
  const { add, pre, before } = finishes ? layer : {};
  const rows = out.shape[0]!;
  const added = finishes ? (bias ?? add) : undefined;
  device.run(matmulKernel, {
    inputs: { a, b, added: added ?? device.unused, before: before ?? device.unused },
    updates: { out, pre: pre ?? device.spare },
    outputs: {},
    params: {
      rows,
      inner: terms,
      columns,
      ...stridesOf(layer),
      pitch: layer.columns,
      firstColumn,
      continues: continues ? 1 : 0,
      adds: added === undefined ? ADDED.nothing : bias ? ADDED.bias : ADDED.matrix,
      activation: finishes ? ACTIVATIONS.indexOf(activation) : 0,
      backward: before ? 1 : 0,
      keepsPre: pre ? 1 : 0,
    },
    workgroups: tiled(Math.ceil(rows / TILE), Math.ceil(columns / TILE)),
  });
}

/** Workgroups that a long product is spread over at least, about as many as a large GPU runs at once. */
const WORKGROUPS = 256;

/** Rows that a part adds up at least: enough that adding the parts costs little beside it. */
const PART_ROWS = 256;

/**
 * A product of transposed rows with rows, in parts so that few columns also occupy the GPU; written in place. Parts are of
 * whole tiles, so that rows which are launched apart are added as those launched together are.
 */
export function multiplyParts(device: Device, product: Product & { readonly into: Floats }): void {
  const { a, b, into, rows, inner, columns } = product;
  const across = Math.ceil(columns / TILE);
  const tiles = Math.max(1, Math.ceil(rows / TILE) * across);
  const most = Math.min(Math.ceil(inner / PART_ROWS), Math.ceil(WORKGROUPS / tiles));
  const span = Math.max(1, Math.ceil(inner / Math.max(1, most) / DEPTH)) * DEPTH;
  const parts = Math.ceil(inner / span);
  const partials = device.allocate(4 * parts * into.size);
  inParts(device, { a, b }, (part, first) => {
    const given = part.a.shape[0]!;
    const firstPart = Math.floor(first / span);
    const some = Math.ceil((first + given) / span) - firstPart;
    device.run(matmulPartsKernel, {
      inputs: part,
      outputs: { partials },
      params: {
        rows,
        inner: given,
        columns,
        ...stridesOf(product),
        parts: some,
        span,
        first,
        firstPart,
      },
      workgroups: tiled(Math.ceil(rows / TILE), across * some),
    });
  });
  sumParts(device, partials, into, { parts, stride: into.size, first: 0 });
  partials.release();
  device.settle({ inputs: [into, a, b], outputs: [into] });
}

/** Rows of which a lane sums a column, as above; two chunks make the 256 rows that parts are multiples of. */
export const CHUNK_ROWS = 128;

/** Sums of the columns of gradients, written in place. */
export function sumColumns(device: Device, gradients: Floats, into: Floats): void {
  inParts(device, { gradient: gradients }, ({ gradient }, first) =>
    sumSomeColumns(device, gradient, into, first > 0),
  );
}

/**
 * Sums of the columns of some rows' gradients, and where the rows were normalized, of gradient · x̂; written in place.
 *
 * @param continues whether the sums of the rows before are added to; these are whole chunks
 * @param statistics `[rows, 2]`, of x
 */
export function sumSomeColumns(
  device: Device,
  gradient: Floats,
  into: Floats,
  continues: boolean,
  products?: { readonly x: Floats; readonly statistics: Storage; readonly into: Floats },
): void {
  const [rows, columns] = gradient.shape as [number, number];
  const chunks = Math.ceil(rows / CHUNK_ROWS);
  const each = products ? 2 : 1;
  const partials = device.allocate(4 * chunks * each * columns);
  device.run(columnSumsKernel, {
    inputs: {
      gradient,
      x: products?.x ?? device.unused,
      statistics: products?.statistics ?? device.unused,
    },
    outputs: { partials },
    params: {
      items: chunks * columns,
      rows,
      columns,
      chunkRows: CHUNK_ROWS,
      products: products ? 1 : 0,
    },
    workgroups: flat(chunks * columns),
  });
  const strided = { parts: chunks, stride: each * columns, continues };
  sumParts(device, partials, into, { ...strided, first: 0 });
  if (products) sumParts(device, partials, products.into, { ...strided, first: columns });
  partials.release();
}

interface PartsOfSums {
  readonly parts: number;
  readonly stride: number;
  readonly first: number;
  /** What the sums hold is added to. */
  readonly continues?: boolean;
}

/** Each value of a tensor becomes the sum of its parts. */
export function sumParts(
  device: Device,
  partials: Storage,
  sums: Floats,
  { continues = false, ...params }: PartsOfSums,
): void {
  device.run(sumPartsKernel, {
    inputs: { partials },
    updates: { sums },
    outputs: {},
    params: { items: sums.size, ...params, continues: continues ? 1 : 0 },
    workgroups: flat(sums.size),
  });
}

/** Where elements of `a` and `b` are. */
function stridesOf({ rows, inner, columns, transposeA, transposeB }: Product) {
  return {
    aRow: transposeA ? 1 : inner,
    aInner: transposeA ? rows : 1,
    bColumn: transposeB ? inner : 1,
    bInner: transposeB ? 1 : columns,
  };
}
