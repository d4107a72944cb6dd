import {
  type CompleteBackend,
  type Neighbours,
  type ScanOptions,
  type ScanRowsOptions,
  type ScanTablesOptions,
  type Tensor,
} from "@tessera/core";
import { checkChoice, checkInteger, checkShape, own } from "./arguments.js";
import { CpuBackend } from "./backend.js";
import { scanBits, scanRows, type ScanTensors } from "./launch-scan.js";
import { scanTables } from "./launch-scan-tables.js";
import {
  ownPerRow,
  ownProbes,
  ownScanInputs,
  type ScanInputs,
  tablesShape,
} from "./scan-arguments.js";

/** The backend with the scans that search is made of. */
export class CpuScanBackend extends CpuBackend implements CompleteBackend {
  scanRows(
    queries: Tensor<"float32">,
    rows: Tensor<"float32">,
    count: number,
    options: ScanRowsOptions = {},
  ): Neighbours {
    const { metric = "l2" } = options;
    const asked = own(this, queries, "queries", "float32");
    const held = own(this, rows, "rows", "float32");
    checkShape(asked, "queries", [undefined, undefined]);
    checkShape(held, "rows", [undefined, asked.shape[1]]);
    checkChoice(metric, "metric", ["l2", "ip"]);
    const scaling = ownPerRow(this, options, held.shape[0]!);
    const inputs = ownScanInputs(this, options, asked.shape[0]!, held.shape[0]!, count);
    return this.#found(inputs, (tensors) =>
      scanRows(this.device, asked, held, scaling, metric === "ip", tensors),
    );
  }

  scanTables(
    tables: Tensor<"float32">,
    blocks: Tensor<"uint8">,
    count: number,
    options: ScanTablesOptions,
  ): Neighbours {
    const { rows } = options;
    const summands = own(this, tables, "tables", "float32");
    const codes = own(this, blocks, "blocks", "uint8");
    const { queries, bytes } = tablesShape(summands);
    checkInteger(rows, "rows", 0, 2 ** 31 - 1);
    checkShape(codes, "blocks", [Math.ceil(rows / 32), bytes, 32]);
    const scaling = ownPerRow(this, options, rows);
    const probes = ownProbes(this, options.probes, queries);
    const inputs = ownScanInputs(this, options, queries, rows, count);
    return this.#found(inputs, (tensors) =>
      scanTables(
        this.device,
        { tables: summands, blocks: codes, probes, ...scaling },
        rows,
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
    checkShape(asked, "queries", [undefined, undefined]);
    checkShape(held, "codes", [undefined, asked.shape[1]]);
    const inputs = ownScanInputs(this, options, asked.shape[0]!, held.shape[0]!, count);
    return this.#found(inputs, (tensors) => scanBits(this.device, asked, held, tensors));
  }

  /** What a scan finds. */
  #found(inputs: ScanInputs, scan: (tensors: ScanTensors) => void): Neighbours {
    const shape = [inputs.queries, inputs.count];
    return this.made(() => {
      const indices = this.output("int32", shape);
      const distances = this.output("float32", shape);
      scan({ ...inputs, indices, distances });
      return { indices, distances };
    });
  }
}
