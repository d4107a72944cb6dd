import type { Activation } from "@tessera/core";
import type { ProductExtents } from "@tessera/core/arguments";
import { type Device, flat, tiled } from "./device.js";
import { ACTIVATIONS } from "./kernels/activation.js";
import {
  ADDED,
  columnSumsKernel,
  combineKernel,
  matmulKernel,
  matmulPartsKernel,
  sumPartsKernel,
} from "./kernels/dense.js";
import { TILE } from "./kernels/tile.js";
import { inParts } from "./parts.js";
import type { Storage } from "./storage.js";
import type { GpuTensor } from "./tensor.js";

type Floats = GpuTensor<"float32">;

export function combine(
  device: Device,
  tensors: { readonly a: Floats; readonly b: Floats; readonly out: Floats },
  alpha: number,
  beta: number,
): void {
  const shape = [tensors.out.size];
  const values = { a: tensors.a.as(shape), b: tensors.b.as(shape), out: tensors.out.as(shape) };
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
  // The rows of a transposed matrix are not one after another.
  if (layer.transposeA) return multiplyRows(device, layer);
  const { a, out, add, pre, before } = layer;
  inParts(device, { a, out, add, pre, before }, (part) =>
    multiplyRows(device, { ...layer, ...part, rows: part.a.shape[0]! }),
  );
}

function multiplyRows(device: Device, layer: Layer): void {
  const { a, b, out, bias, add, activation = "none", pre, before, rows, inner, columns } = layer;
  const added = bias ?? add;
  device.run(matmulKernel, {
    inputs: { a, b, added: added ?? device.unused, before: before ?? device.unused },
    outputs: { out, pre: pre ?? device.spare },
    params: {
      rows,
      inner,
      columns,
      ...stridesOf(layer),
      adds: bias ? ADDED.bias : add ? ADDED.matrix : ADDED.nothing,
      activation: ACTIVATIONS.indexOf(activation),
      backward: before ? 1 : 0,
      keepsPre: pre ? 1 : 0,
    },
    workgroups: tiled(Math.ceil(rows / TILE), Math.ceil(columns / TILE)),
  });
  const inputs = [a, b, added, before].filter((tensor) => tensor !== undefined);
  device.settle({ inputs, outputs: pre ? [out, pre] : [out] });
}

/** Workgroups that a long product is spread over at least, about as many as a large GPU runs at once. */
const WORKGROUPS = 256;

/** Rows that a part adds up at least: enough that adding the parts costs little beside it. */
const PART_ROWS = 256;

/** A product over all rows, in parts so that few columns also occupy the GPU; written in place. */
export function multiplyParts(device: Device, product: Product & { readonly into: Floats }): void {
  const { a, b, into, rows, inner, columns } = product;
  const across = Math.ceil(columns / TILE);
  const tiles = Math.max(1, Math.ceil(rows / TILE) * across);
  const most = Math.min(Math.ceil(inner / PART_ROWS), Math.ceil(WORKGROUPS / tiles));
  const span = Math.max(1, Math.ceil(inner / Math.max(1, most)));
  const parts = Math.ceil(inner / span);
  const partials = device.allocate(4 * parts * into.size);
  device.run(matmulPartsKernel, {
    inputs: { a, b },
    outputs: { partials },
    params: { rows, inner, columns, ...stridesOf(product), parts, span },
    workgroups: tiled(Math.ceil(rows / TILE), across * parts),
  });
  sumParts(device, partials, into, { parts, stride: into.size, first: 0 });
  partials.release();
  device.settle({ inputs: [into, a, b], outputs: [into] });
}

/** Rows of which a lane sums a column at least, as above. */
export const CHUNK_ROWS = 128;

/**
 * Sums of the columns of gradients, and where the rows were normalized, of gradient · x̂; written in place.
 *
 * @param statistics `[rows, 2]`, of x
 */
export function sumColumns(
  device: Device,
  gradient: Floats,
  into: Floats,
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
  const stride = each * columns;
  sumParts(device, partials, into, { parts: chunks, stride, first: 0 });
  if (products) {
    sumParts(device, partials, products.into, { parts: chunks, stride, first: columns });
  }
  partials.release();
}

/** Each value of a tensor becomes the sum of its parts. */
export function sumParts(
  device: Device,
  partials: Storage,
  sums: Floats,
  params: { readonly parts: number; readonly stride: number; readonly first: number },
): void {
  device.run(sumPartsKernel, {
    inputs: { partials },
    updates: { sums },
    outputs: {},
    params: { items: sums.size, ...params },
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
