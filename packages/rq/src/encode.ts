import {
  ArgumentError,
  codeArrayFor,
  type CompleteBackend,
  type Model,
  printSpec,
  type Tensor,
} from "@tessera/core";
import { type DeviceEncoder, VqModel } from "@tessera/vq";
import { openHostBeam } from "./host-beam.js";
import { openSearch } from "./search.js";

/** `beamSearch` and `assignTopK` keep no more. */
const MAX_BEAM = 256;

/** @throws {ArgumentError} if the beam is out of range, or the levels cannot be searched */
export function checkBeam(beam: number, levels: readonly Model[]): void {
  if (!Number.isInteger(beam) || beam < 1 || beam > MAX_BEAM) {
    throw new ArgumentError(`beam is ${beam}; it must be an integer from 1 to ${MAX_BEAM}`);
  }
  if (beam === 1) return;
  const other = levels.findIndex(
    (level) => !(level instanceof VqModel && level.spec.metric === undefined),
  );
  if (other >= 0) {
    throw new ArgumentError(
      `beam ${beam} needs levels of plain vq, and level ${other + 1} is ${printSpec(levels[other]!.spec)}`,
      { hint: "leave out beam, or set it to 1" },
    );
  }
}

/** Encodes by a search on the device, or with candidates chosen by the host where the backend has no search. */
export function openEncoder(
  backend: CompleteBackend,
  levels: readonly VqModel[],
  beam: number,
  signal: AbortSignal | undefined,
): DeviceEncoder {
  const search = openSearch(backend, levels, beam);
  if (search === undefined) return openHostBeam(backend, levels, beam, signal);
  const cardinalities = levels.flatMap((level) => level.cardinalities);
  return {
    valuesPerRow: search.valuesPerRow,
    async encode(x) {
      const { codes, distances } = search.search(x);
      for (const tensor of distances) tensor.dispose();
      return interleave(await readAll(codes), cardinalities);
    },
    dispose: () => search.dispose(),
  };
}

/** Reads tensors and disposes them. */
export function readAll<D extends "int32" | "float32">(tensors: readonly Tensor<D>[]) {
  const reads = Promise.all(tensors.map((tensor) => tensor.read()));
  for (const tensor of tensors) tensor.dispose();
  return reads;
}

/** Columns of codes as rows, `[n, columns]`. */
function interleave(
  columns: readonly ArrayLike<number>[],
  cardinalities: readonly number[],
): ArrayLike<number> {
  const rows = columns[0]!.length;
  const width = columns.length;
  const codes = new (codeArrayFor(cardinalities))(rows * width);
  columns.forEach((column, j) => {
    for (let i = 0; i < rows; i++) codes[i * width + j] = column[i]!;
  });
  return codes;
}
