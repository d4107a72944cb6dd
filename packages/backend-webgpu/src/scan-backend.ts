import type {
  ComputeBackend,
  Neighbours,
  ScanOptions,
  ScanRowsOptions,
  ScanTablesOptions,
  Tensor,
} from "@tessera/core";
import {
  checkScanBits,
  checkScanRows,
  checkScanTables,
  type ScanExtents,
} from "@tessera/core/arguments";
import { own } from "./arguments.js";
import { WebGpuBackend } from "./backend.js";
import { scanBits, scanRows, scanTables, type ScanTensors } from "./launch-scan.js";
import { ownPerRow, ownProbes, ownScanInputs } from "./scan-arguments.js";

/** The backend with the scans that search is made of. */
export class WebGpuScanBackend extends WebGpuBackend implements ComputeBackend {
  scanRows(
    queries: Tensor<"float32">,
    rows: Tensor<"float32">,
    count: number,
    options: ScanRowsOptions = {},
  ): Neighbours {
    const asked = own(this, queries, "queries", "float32");
    const held = own(this, rows, "rows", "float32");
    const scaling = ownPerRow(this, options);
    const inputs = ownScanInputs(this, options);
    const extents = checkScanRows(asked, held, count, options);
    return this.#found(extents, count, inputs, (tensors) =>
      scanRows(this.device, asked, held, scaling, extents, tensors),
    );
  }

  scanTables(
    tables: Tensor<"float32">,
    blocks: Tensor<"uint8">,
    count: number,
    options: ScanTablesOptions,
  ): Neighbours {
    const summands = own(this, tables, "tables", "float32");
    const codes = own(this, blocks, "blocks", "uint8");
    const scaling = ownPerRow(this, options);
    const probes = ownProbes(this, options.probes);
    const inputs = ownScanInputs(this, options);
    const extents = checkScanTables(summands, codes, count, options);
    const task = { tables: summands, blocks: codes, probes, ...scaling };
    return this.#found(extents, count, inputs, (tensors) =>
      scanTables(this.device, task, extents, tensors),
    );
  }

  scanBits(
    queries: Tensor<"uint8">,
    codes: Tensor<"uint8">,
    count: number,
    options: ScanOptions = {},
  ): Neighbours {
    const asked = own(this, queries, "queries", "uint8");
    const held = own(this, codes, "codes", "uint8");
    const inputs = ownScanInputs(this, options);
    const extents = checkScanBits(asked, held, count, options);
    return this.#found(extents, count, inputs, (tensors) =>
      scanBits(this.device, asked, held, extents, tensors),
    );
  }

  /** What a scan finds. */
  #found(
    { queries }: ScanExtents,
    count: number,
    inputs: ReturnType<typeof ownScanInputs>,
    scan: (tensors: ScanTensors) => void,
  ): Neighbours {
    return this.made(() => {
      const indices = this.output("int32", [queries, count]);
      const distances = this.output("float32", [queries, count]);
      scan({ ...inputs, indices, distances });
      return { indices, distances };
    });
  }
}
