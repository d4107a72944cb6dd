import type { Device, Launch, Storage } from "./device.js";

/**
 * Launches a kernel that writes in place. Each storage that it writes keeps a fault that it has, and takes on those of the
 * inputs.
 *
 * @param written what it writes; those of one storage count once
 */
export function launchInPlace(
  device: Device,
  written: readonly { readonly storage: Storage }[],
  launch: Omit<Launch, "outputs">,
): void {
  const storages = new Set(written.map(({ storage }) => storage));
  let { items } = launch;
  for (const storage of storages) {
    device.launch({
      ...launch,
      items,
      outputs: [storage],
      inputs: [storage, ...launch.inputs],
    });
    // The other storages have been written as well: what is left to do is their faults.
    items = 0;
  }
}
