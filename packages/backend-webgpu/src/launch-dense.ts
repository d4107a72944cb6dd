import { type Device, flat, tiled } from "./device.js";
import { combineKernel, matmulKernel } from "./kernels/dense.js";
import { TILE } from "./kernels/tile.js";
import type { GpuTensor } from "./tensor.js";

type Floats = GpuTensor<"float32">;

export function combine(
  device: Device,
  { a, b, out }: { readonly a: Floats; readonly b: Floats; readonly out: Floats },
  alpha: number,
  beta: number,
): void {
  device.run(combineKernel, {
    inputs: { a, b },
    outputs: { out },
    params: { items: out.size, alpha, beta },
    workgroups: flat(out.size),
  });
  device.settle({ inputs: [a, b], outputs: [out] });
}

export interface Product {
  readonly a: Floats;
  readonly b: Floats;
  readonly bias: Floats | undefined;
  readonly out: Floats;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly activation: "none" | "relu";
}

export function multiply(device: Device, product: Product): void {
  const { a, b, bias, out, rows, inner, columns, transposeA, transposeB, activation } = product;
  device.run(matmulKernel, {
    inputs: { a, b, bias: bias ?? device.unused },
    outputs: { out },
    params: {
      rows,
      inner,
      columns,
      aRow: transposeA ? 1 : inner,
      aInner: transposeA ? rows : 1,
      bColumn: transposeB ? inner : 1,
      bInner: transposeB ? 1 : columns,
      hasBias: bias ? 1 : 0,
      relu: activation === "relu" ? 1 : 0,
    },
    workgroups: tiled(Math.ceil(rows / TILE), Math.ceil(columns / TILE)),
  });
  device.settle({ inputs: [a, b, ...(bias ? [bias] : [])], outputs: [out] });
}
