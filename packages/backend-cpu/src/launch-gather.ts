import type { BookShape } from "@tessera/core";
import { FAULT } from "@tessera/core/authoring";
import type { Device, Storage } from "./device.js";
import { grainOf, sharedGrainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

/** Codewords by code. */
export function gather(
  device: Device,
  books: CpuTensor<"float32">,
  codes: CpuTensor<"int32">,
  out: CpuTensor<"float32">,
  { groups, codewords, dimension }: BookShape,
): void {
  device.launch({
    kernel: "gather",
    items: codes.shape[0]!,
    grain: grainOf(groups * (4 * dimension + 16)),
    arguments: [books.address, codes.address, out.address, groups, codewords, dimension],
    fault: { kind: FAULT.code, columns: groups, limit: codewords, values: codes.address },
    outputs: [out.storage],
    inputs: [books.storage, codes.storage],
  });
}

export interface ResidualTensors {
  readonly x: CpuTensor<"float32">;
  readonly books: CpuTensor<"float32">;
  readonly codes: CpuTensor<"int32">;
  readonly parents: CpuTensor<"int32"> | undefined;
  readonly out: CpuTensor<"float32">;
}

/** What the codes leave over. */
export function residual(
  device: Device,
  { x, books, codes, parents, out }: ResidualTensors,
  { groups, codewords, dimension }: BookShape,
): void {
  const checked = parents && checkIndices(device, parents, x.shape[0]!);
  device.launchAndRelease([checked], {
    kernel: "residual",
    items: codes.shape[0]!,
    grain: grainOf(groups * (4 * dimension + 16)),
    arguments: [
      x.address,
      books.address,
      codes.address,
      parents?.address ?? 0,
      out.address,
      groups,
      codewords,
      dimension,
      x.shape[0]!,
    ],
    fault: { kind: FAULT.code, columns: groups, limit: codewords, values: codes.address },
    outputs: [out.storage],
    inputs: [x.storage, books.storage, codes.storage, checked],
  });
}

/** A storage without data whose fault is that of the first parent outside the rows. */
function checkIndices(device: Device, parents: CpuTensor<"int32">, rows: number): Storage {
  const checked = device.allocate(0);
  device.launch({
    kernel: "checkIndices",
    items: parents.size,
    grain: grainOf(2),
    arguments: [parents.address, rows],
    fault: { kind: FAULT.parent, limit: rows, values: parents.address },
    outputs: [checked],
    inputs: [parents.storage],
  });
  return checked;
}

/** Rows by index. */
export function take(
  device: Device,
  x: CpuTensor<"float32">,
  indices: CpuTensor<"int32">,
  out: CpuTensor<"float32">,
): void {
  const [rows, columns] = x.shape as [number, number];
  device.launch({
    kernel: "take",
    items: indices.size,
    // Rows that are not in the cache take four times as long as those that are.
    grain: sharedGrainOf(device.executor.threads, indices.size, 16 * columns + 16),
    arguments: [x.address, indices.address, out.address, rows, columns],
    fault: { kind: FAULT.index, limit: rows, values: indices.address },
    outputs: [out.storage],
    inputs: [x.storage, indices.storage],
  });
}
