import {
  type CompleteBackend,
  type Neighbours,
  type ScanOptions,
  type ScanRowsOptions,
  type ScanTablesOptions,
  type Tensor,
} from "@tessera/core";
import {
  checkScanBits,
  checkScanRows,
  checkScanTables,
  type ScanExtents,
} from "@tessera/core/arguments";
import { own } from "./arguments.js";
import { CpuBackend } from "./backend.js";
import { scanBits, scanRows, type ScanTensors } from "./launch-scan.js";
import { scanTables } from "./launch-scan-tables.js";
import { ownPerRow, ownProbes, ownScanInputs } from "./scan-arguments.js";

/** The backend with the scans that search is made of. */
export class CpuScanBackend extends CpuBackend implements CompleteBackend {
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
    const { metric, ...extents } = checkScanRows(asked, held, count, options);
    return this.#found(extents, count, inputs, (tensors) =>
      scanRows(this.device, asked, held, scaling, metric === "ip", tensors),
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
    return this.#found(extents, count, inputs, (tensors) =>
      scanTables(
        this.device,
        { tables: summands, blocks: codes, probes, ...scaling },
        extents.rows,
        tensors,
      ),
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
      scanBits(this.device, asked, held, tensors),
    );
  }

  /** What a scan finds. */
  #found(
    { queries, firstIndex }: ScanExtents,
    count: number,
    inputs: ReturnType<typeof ownScanInputs>,
    scan: (tensors: ScanTensors) => void,
  ): Neighbours {
    return this.made(() => {
      const indices = this.output("int32", [queries, count]);
      const distances = this.output("float32", [queries, count]);
      scan({ ...inputs, firstIndex, indices, distances });
      return { indices, distances };
    });
  }
}
