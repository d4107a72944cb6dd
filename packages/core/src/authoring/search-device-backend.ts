import {
  checkBeamSearch,
  checkScanBits,
  checkScanRows,
  checkScanTables,
  type ScanExtents,
  type ScanRowsExtents,
  type ScanTablesExtents,
} from "../arguments/index.js";
import type {
  BeamCodes,
  Neighbours,
  Probes,
  ScanOptions,
  ScanRowsOptions,
  ScanTablesOptions,
} from "../backend.js";
import type { Tensor } from "../tensor.js";
import type { TensorTypes } from "./tensor-holder.js";
import { TrainingDeviceBackend } from "./training-device-backend.js";
import type { TrainingLaunches } from "./training-launches.js";

export interface BeamTensors<T extends TensorTypes> {
  readonly x: T["float32"];
  /** `[1, K, d]` each. */
  readonly books: readonly T["float32"][];
  /** `[levels, rows]` */
  readonly codes: T["int32"];
  /** `[levels, rows]` */
  readonly distances: T["float32"];
}

/** What every scan takes and makes. */
export interface ScanTensors<T extends TensorTypes> {
  readonly allowed: T["uint8"] | undefined;
  readonly foundIndices: T["int32"] | undefined;
  readonly foundDistances: T["float32"] | undefined;
  readonly indices: T["int32"];
  readonly distances: T["float32"];
  readonly firstIndex: number;
}

/** Of each row. */
export interface ScaleTensors<T extends TensorTypes> {
  readonly scales: T["float32"] | undefined;
  readonly offsets: T["float32"] | undefined;
}

export interface TablesTensors<T extends TensorTypes> extends ScaleTensors<T> {
  readonly tables: T["float32"];
  readonly blocks: T["uint8"];
  readonly probes:
    | {
        readonly starts: T["int32"];
        readonly ends: T["int32"];
        readonly biases: T["float32"];
      }
    | undefined;
}

/** Launches of the kernels that search is made of. */
export interface SearchLaunches<C, T extends TensorTypes> extends TrainingLaunches<C, T> {
  readonly searchBeam: (device: C, tensors: BeamTensors<T>, beam: number) => void;
  readonly scanRows: (
    device: C,
    queries: T["float32"],
    rows: T["float32"],
    scaling: ScaleTensors<T>,
    extents: ScanRowsExtents,
    tensors: ScanTensors<T>,
  ) => void;
  readonly scanTables: (
    device: C,
    tables: TablesTensors<T>,
    extents: ScanTablesExtents,
    tensors: ScanTensors<T>,
  ) => void;
  readonly scanBits: (
    device: C,
    queries: T["uint8"],
    codes: T["uint8"],
    extents: ScanExtents & { readonly bytes: number },
    tensors: ScanTensors<T>,
  ) => void;
}

/** A backend that searches as well: it adds the search for codes and the scans over them, which other kernels do not amount to. */
export abstract class SearchDeviceBackend<C, T extends TensorTypes> extends TrainingDeviceBackend<
  C,
  T
> {
  protected abstract override readonly launches: SearchLaunches<C, T>;

  beamSearch(
    x: Tensor<"float32">,
    codebooks: readonly Tensor<"float32">[],
    beam: number,
  ): BeamCodes {
    const rows = this.own(x, "x", "float32");
    const books = codebooks.map((book, l) => this.own(book, `codebooks[${l}]`, "float32"));
    const shape = [books.length, checkBeamSearch(rows, books, beam).rows];
    return this.made(() => {
      const codes = this.output("int32", shape);
      const distances = this.output("float32", shape);
      this.launches.searchBeam(this.device, { x: rows, books, codes, distances }, beam);
      return { codes, distances };
    });
  }

  scanRows(
    queries: Tensor<"float32">,
    rows: Tensor<"float32">,
    count: number,
    options: ScanRowsOptions = {},
  ): Neighbours {
    const asked = this.own(queries, "queries", "float32");
    const held = this.own(rows, "rows", "float32");
    const scaling = this.#ownScaling(options);
    const inputs = this.#ownInputs(options);
    const extents = checkScanRows(asked, held, count, options);
    return this.#found(extents, count, inputs, (tensors) =>
      this.launches.scanRows(this.device, asked, held, scaling, extents, tensors),
    );
  }

  scanTables(
    tables: Tensor<"float32">,
    blocks: Tensor<"uint8">,
    count: number,
    options: ScanTablesOptions,
  ): Neighbours {
    const summands = this.own(tables, "tables", "float32");
    const codes = this.own(blocks, "blocks", "uint8");
    const scaling = this.#ownScaling(options);
    const probes = this.#ownProbes(options.probes);
    const inputs = this.#ownInputs(options);
    const extents = checkScanTables(summands, codes, count, options);
    const task = { tables: summands, blocks: codes, probes, ...scaling };
    return this.#found(extents, count, inputs, (tensors) =>
      this.launches.scanTables(this.device, task, extents, tensors),
    );
  }

  scanBits(
    queries: Tensor<"uint8">,
    codes: Tensor<"uint8">,
    count: number,
    options: ScanOptions = {},
  ): Neighbours {
    const asked = this.own(queries, "queries", "uint8");
    const held = this.own(codes, "codes", "uint8");
    const inputs = this.#ownInputs(options);
    const extents = checkScanBits(asked, held, count, options);
    return this.#found(extents, count, inputs, (tensors) =>
      this.launches.scanBits(this.device, asked, held, extents, tensors),
    );
  }

  #found(
    { queries, firstIndex }: ScanExtents,
    count: number,
    inputs: Pick<ScanTensors<T>, "allowed" | "foundIndices" | "foundDistances">,
    scan: (tensors: ScanTensors<T>) => void,
  ): Neighbours {
    return this.made(() => {
      const indices = this.output("int32", [queries, count]);
      const distances = this.output("float32", [queries, count]);
      scan({ ...inputs, firstIndex, indices, distances });
      return { indices, distances };
    });
  }

  #ownInputs({
    allowed,
    found,
  }: ScanOptions): Pick<ScanTensors<T>, "allowed" | "foundIndices" | "foundDistances"> {
    return {
      allowed: allowed && this.own(allowed, "allowed", "uint8"),
      foundIndices: found && this.own(found.indices, "found.indices", "int32"),
      foundDistances: found && this.own(found.distances, "found.distances", "float32"),
    };
  }

  #ownScaling({ scales, offsets }: ScanRowsOptions | ScanTablesOptions): ScaleTensors<T> {
    return {
      scales: scales && this.own(scales, "scales", "float32"),
      offsets: offsets && this.own(offsets, "offsets", "float32"),
    };
  }

  #ownProbes(probes: Probes | undefined): TablesTensors<T>["probes"] {
    if (!probes) return undefined;
    return {
      starts: this.own(probes.starts, "probes.starts", "int32"),
      ends: this.own(probes.ends, "probes.ends", "int32"),
      biases: this.own(probes.biases, "probes.biases", "float32"),
    };
  }
}
