import type { Device, Launch, View } from "./device.js";
import type { Kernel } from "./kernel.js";
import type { Storage } from "./storage.js";
import { GpuTensor } from "./tensor.js";

type InPlaceLaunch<I extends string, O extends string, P extends string, U extends string> = Omit<
  Launch<I, O, P, U>,
  "updates"
> & { readonly updates: Readonly<Record<U, GpuTensor | Storage>> };

/**
 * Runs a kernel that writes tensors in place. The parameters of a network are slices of one storage, and so are their
 * gradients; but no dispatch may bind a buffer twice if it writes it. So slices of a storage that the kernel writes are
 * read, and written except for the first, through copies.
 */
export function runInPlace<I extends string, O extends string, P extends string, U extends string>(
  device: Device,
  kernel: Kernel<I, O, P, U>,
  launch: InPlaceLaunch<I, O, P, U>,
): void {
  const written = new Set<Storage>();
  const copies: Storage[] = [];
  const back: (() => void)[] = [];
  const copyOf = (tensor: GpuTensor): Storage => {
    const copy = device.copyOf(tensor);
    copies.push(copy);
    return copy;
  };
  const updates = mapValues(launch.updates, (update: GpuTensor | Storage): View | Storage => {
    if (!(update instanceof GpuTensor)) return update;
    const { storage } = update;
    if (!written.has(storage)) {
      written.add(storage);
      return update;
    }
    const copy = copyOf(update);
    back.push(() => device.overwrite(update, { storage: copy, start: 0 }));
    return copy;
  });
  const inputs = mapValues(launch.inputs, (input: View | Storage): View | Storage =>
    input instanceof GpuTensor && written.has(input.storage) ? copyOf(input) : input,
  );
  device.run(kernel, { ...launch, inputs, updates });
  for (const restore of back) restore();
  for (const copy of copies) copy.release();
}

function mapValues<K extends string, A, B>(
  record: Readonly<Record<K, A>>,
  map: (value: A) => B,
): Record<K, B> {
  const entries = Object.entries<A>(record).map(([name, value]) => [name, map(value)]);
  return Object.fromEntries(entries) as Record<K, B>;
}
