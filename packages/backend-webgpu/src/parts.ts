import { ALIGNMENT, type Device } from "./device.js";
import type { GpuTensor } from "./tensor.js";

/**
 * Launches on all rows of some tensors, by name, at once or, where a tensor is larger than what can be bound, on as many as
 * fit at a time. Parts start at multiples of 256 rows, so that outputs of any width start where a binding may.
 *
 * @param launch is given the number of the part's first row, too
 */
export function inParts<T extends object>(
  device: Device,
  tensors: T,
  launch: (part: T, first: number) => void,
): void {
  const named = Object.entries(tensors) as [string, GpuTensor | undefined][];
  const all = named.map(([, tensor]) => tensor).filter((tensor) => tensor !== undefined);
  const bytes = Math.max(...all.map((tensor) => tensor.bytes));
  if (bytes <= device.maxBound) return launch(tensors, 0);
  const rows = all[0]!.shape[0]!;
  const fitting = Math.floor(device.maxBound / (bytes / rows));
  const most = Math.max(ALIGNMENT, fitting - (fitting % ALIGNMENT));
  for (let first = 0; first < rows; first += most) {
    const end = Math.min(rows, first + most);
    const part = named.map(([name, tensor]) => [name, tensor?.rows(first, end)]);
    device.part(first, () => launch(Object.fromEntries(part) as T, first));
  }
}
