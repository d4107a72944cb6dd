import {
  ArgumentError,
  MAX_NEIGHBOURS,
  type DType,
  type Neighbours,
  type ScanOptions,
  type ScanRowsOptions,
  type ScanTablesOptions,
  type Tensor,
} from "@tessera/core";
import type { ReferenceNeighbours, ReferenceScanOptions } from "../reference/scan.js";
import { checkChoice, checkInteger, checkShape } from "./arguments.js";
import type { ReferenceKernels } from "./kernels.js";
import { ReferenceTensors } from "./reference-tensors.js";
import type { Content } from "./reference-tensor.js";
import { run, values } from "./result.js";

/** Options of any scan as the kernels take them, and the inputs whose faults pass on. */
interface HeldOptions {
  readonly inputs: readonly (Content<DType> | undefined)[];
  /** The options' values; the inputs must be without fault. */
  readonly values: () => ReferenceScanOptions;
}

/** The scans of the reference backend. */
export abstract class ReferenceScans extends ReferenceTensors {
  protected readonly kernels: ReferenceKernels;

  constructor(kernels: ReferenceKernels) {
    super();
    this.kernels = kernels;
  }

  scanRows(
    queries: Tensor<"float32">,
    rows: Tensor<"float32">,
    count: number,
    options: ScanRowsOptions = {},
  ): Neighbours {
    const { metric = "l2" } = options;
    const asked = this.content(queries, "queries", "float32");
    const held = this.content(rows, "rows", "float32");
    checkShape(queries, "queries", [undefined, undefined]);
    const [q, dimension] = queries.shape as [number, number];
    checkShape(rows, "rows", [undefined, dimension]);
    const n = rows.shape[0]!;
    checkChoice(metric, "metric", ["l2", "ip"]);
    const scales = this.#perRow(options.scales, "scales", n);
    const offsets = this.#perRow(options.offsets, "offsets", n);
    const scan = this.#scanOptions(options, q, n, count);
    return this.#neighbours(q, count, [asked, held, scales, offsets, ...scan.inputs], () =>
      this.kernels.scanRows(
        values(asked),
        values(held),
        { queries: q, rows: n, dimension },
        count,
        {
          ...scan.values(),
          metric,
          scales: scales && values(scales),
          offsets: offsets && values(offsets),
        },
      ),
    );
  }

  scanTables(
    tables: Tensor<"float32">,
    blocks: Tensor<"uint8">,
    count: number,
    options: ScanTablesOptions,
  ): Neighbours {
    const { rows, probes } = options;
    const summands = this.content(tables, "tables", "float32");
    const codes = this.content(blocks, "blocks", "uint8");
    checkShape(tables, "tables", [undefined, undefined, undefined]);
    const [queries, groups, codebookSize] = tables.shape as [number, number, number];
    if (codebookSize !== 16 && codebookSize !== 256) {
      throw new ArgumentError(`tables have ${codebookSize} entries for each column of codes`, {
        hint: "codes of 4 bits take 16, codes of 8 bits 256",
      });
    }
    checkInteger(rows, "rows", 0, 2 ** 31 - 1);
    const bytes = codebookSize === 16 ? Math.ceil(groups / 2) : groups;
    checkShape(blocks, "blocks", [Math.ceil(rows / 32), bytes, 32]);
    const scales = this.#perRow(options.scales, "scales", rows);
    const offsets = this.#perRow(options.offsets, "offsets", rows);
    const scan = this.#scanOptions(options, queries, rows, count);
    const visited = probes && {
      starts: this.content(probes.starts, "probes.starts", "int32"),
      ends: this.content(probes.ends, "probes.ends", "int32"),
      biases: this.content(probes.biases, "probes.biases", "float32"),
    };
    if (probes) {
      checkShape(probes.starts, "probes.starts", [queries, undefined]);
      checkShape(probes.ends, "probes.ends", probes.starts.shape);
      checkShape(probes.biases, "probes.biases", probes.starts.shape);
    }
    const inputs = [
      summands,
      codes,
      scales,
      offsets,
      visited?.starts,
      visited?.ends,
      visited?.biases,
    ];
    return this.#neighbours(queries, count, [...inputs, ...scan.inputs], () =>
      this.kernels.scanTables(
        values(summands),
        values(codes),
        { queries, groups, codebookSize },
        count,
        {
          ...scan.values(),
          rows,
          scales: scales && values(scales),
          offsets: offsets && values(offsets),
          probes: visited && {
            starts: values(visited.starts),
            ends: values(visited.ends),
            biases: values(visited.biases),
          },
        },
      ),
    );
  }

  scanBits(
    queries: Tensor<"uint8">,
    codes: Tensor<"uint8">,
    count: number,
    options: ScanOptions = {},
  ): Neighbours {
    const asked = this.content(queries, "queries", "uint8");
    const held = this.content(codes, "codes", "uint8");
    checkShape(queries, "queries", [undefined, undefined]);
    const [q, bytes] = queries.shape as [number, number];
    checkShape(codes, "codes", [undefined, bytes]);
    const rows = codes.shape[0]!;
    const scan = this.#scanOptions(options, q, rows, count);
    return this.#neighbours(q, count, [asked, held, ...scan.inputs], () =>
      this.kernels.scanBits(
        values(asked),
        values(held),
        { queries: q, rows, bytes },
        count,
        scan.values(),
      ),
    );
  }

  #perRow(
    tensor: Tensor<"float32"> | undefined,
    name: string,
    rows: number,
  ): Content<"float32"> | undefined {
    if (tensor === undefined) return undefined;
    const content = this.content(tensor, name, "float32");
    checkShape(tensor, name, [rows]);
    return content;
  }

  #scanOptions(options: ScanOptions, queries: number, rows: number, count: number): HeldOptions {
    const { firstIndex = 0 } = options;
    checkInteger(count, "count", 1, MAX_NEIGHBOURS);
    checkInteger(firstIndex, "firstIndex", 0, 2 ** 31 - 1 - rows);
    const allowed = options.allowed && this.content(options.allowed, "allowed", "uint8");
    if (options.allowed) checkShape(options.allowed, "allowed", [Math.ceil(rows / 8)]);
    const found = options.found && {
      indices: this.content(options.found.indices, "found.indices", "int32"),
      distances: this.content(options.found.distances, "found.distances", "float32"),
    };
    if (options.found) {
      checkShape(options.found.indices, "found.indices", [queries, count]);
      checkShape(options.found.distances, "found.distances", [queries, count]);
    }
    return {
      inputs: [allowed, found?.indices, found?.distances],
      values: () => ({
        firstIndex,
        allowed: allowed && values(allowed),
        found: found && {
          indices: values(found.indices),
          distances: Float64Array.from(values(found.distances)),
        },
      }),
    };
  }

  #neighbours(
    queries: number,
    count: number,
    inputs: readonly (Content<DType> | undefined)[],
    kernel: () => ReferenceNeighbours,
  ): Neighbours {
    const result = run(inputs, kernel);
    const shape = [queries, count];
    if ("fault" in result) {
      return {
        indices: this.create("int32", shape, result),
        distances: this.create("float32", shape, result),
      };
    }
    const { indices, distances } = result.value;
    return {
      indices: this.create("int32", shape, { values: indices }),
      distances: this.create("float32", shape, { values: Float32Array.from(distances) }),
    };
  }
}
