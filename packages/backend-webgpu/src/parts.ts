import { ALIGNMENT } from "./constants.js";
import type { Device, View } from "./device.js";
import type { GpuTensor } from "./tensor.js";

/**
 * Launches on all rows of some tensors, by name, at once or, where a tensor is larger than what can be bound, on as many as
 * fit at a time. Parts start at multiples of 256 rows, so that outputs of any width start where a binding may.
 *
 * @param launch is given the number of the part's first row, too
 * @param unit parts start at multiples of as many rows instead; outputs need a multiple of 256, updates do not
 */
export function inParts<T extends object>(
  device: Device,
  tensors: T,
  launch: (part: T, first: number) => void,
  unit: number = ALIGNMENT,
): void {
  const named = Object.entries(tensors) as [string, GpuTensor | undefined][];
  const all = named.map(([, tensor]) => tensor).filter((tensor) => tensor !== undefined);
  const bytes = Math.max(...all.map((tensor) => tensor.bytes));
  if (bytes <= device.maxBound) return launch(tensors, 0);
  const rows = all[0]!.shape[0]!;
  const most = fitting(device, bytes / rows, unit);
  for (let first = 0; first < rows; first += most) {
    const end = Math.min(rows, first + most);
    const part = named.map(([name, tensor]) => [name, tensor?.rows(first, end)]);
    device.part(first, () => launch(Object.fromEntries(part) as T, first));
  }
}

/** Rows of as many bytes that can be bound at once: a multiple of `unit`, and at least that many, whether they fit or not. */
export function fitting(device: Device, rowBytes: number, unit: number = ALIGNMENT): number {
  const most = Math.floor(device.maxBound / Math.max(1, rowBytes));
  return Math.max(unit, most - (most % unit));
}

/** The values of a tensor one by one, for kernels that have no use for its rows. */
export function flattened<T extends GpuTensor | undefined>(tensor: T): T {
  return tensor?.as([tensor.size]) as T;
}

/** Some values of four bytes each of a view. */
export function someOf({ storage, start }: View, first: number, count: number): View {
  return { storage, start: start + first, bytes: 4 * count };
}
