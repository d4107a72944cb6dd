import { MAX_NEIGHBOURS } from "../backend.js";
import type { ScanOptions, ScanRowsOptions, ScanTablesOptions } from "../backend.js";
import { checkChoice, checkInteger, checkShape } from "../checks.js";
import { ArgumentError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { checkMatrix } from "./tensors.js";

export interface ScanExtents {
  readonly queries: number;
  readonly rows: number;
  readonly firstIndex: number;
}

export interface ScanRowsExtents extends ScanExtents {
  readonly dimension: number;
  readonly metric: "l2" | "ip";
}

export function checkScanRows(
  queries: Tensor,
  rows: Tensor,
  count: number,
  options: ScanRowsOptions = {},
): ScanRowsExtents {
  const { metric = "l2" } = options;
  const asked = checkMatrix(queries, "queries");
  checkShape(rows, "rows", [undefined, asked.columns]);
  checkChoice(metric, "metric", ["l2", "ip"]);
  const held = rows.shape[0]!;
  checkPerRow(options, held);
  const extents = checkScan(asked.rows, held, count, options);
  return { ...extents, dimension: asked.columns, metric };
}

export interface ScanTablesExtents extends ScanExtents {
  /** Columns of codes, m. */
  readonly columns: number;
  /** Entries for each column, k. */
  readonly entries: 16 | 256;
  /** Bytes that a row's codes take, B. */
  readonly bytes: number;
  /** Stretches that each query visits; 1 without probes. */
  readonly probes: number;
}

export function checkScanTables(
  tables: Tensor,
  blocks: Tensor,
  count: number,
  options: ScanTablesOptions,
): ScanTablesExtents {
  const { rows, probes } = options;
  checkShape(tables, "tables", [undefined, undefined, undefined]);
  const [queries, columns, entries] = tables.shape as [number, number, number];
  if (entries !== 16 && entries !== 256) {
    throw new ArgumentError(`tables have ${entries} entries for each column of codes`, {
      hint: "codes of 4 bits take 16, codes of 8 bits 256",
    });
  }
  const bytes = entries === 16 ? Math.ceil(columns / 2) : columns;
  checkInteger(rows, "rows", 0, 2 ** 31 - 1);
  checkShape(blocks, "blocks", [Math.ceil(rows / 32), bytes, 32]);
  checkPerRow(options, rows);
  if (probes) {
    checkShape(probes.starts, "probes.starts", [queries, undefined]);
    checkShape(probes.ends, "probes.ends", probes.starts.shape);
    checkShape(probes.biases, "probes.biases", probes.starts.shape);
  }
  const extents = checkScan(queries, rows, count, options);
  return { ...extents, columns, entries, bytes, probes: probes?.starts.shape[1] ?? 1 };
}

export function checkScanBits(
  queries: Tensor,
  codes: Tensor,
  count: number,
  options: ScanOptions = {},
): ScanExtents & { readonly bytes: number } {
  const { rows, columns: bytes } = checkMatrix(queries, "queries");
  checkShape(codes, "codes", [undefined, bytes]);
  return { ...checkScan(rows, codes.shape[0]!, count, options), bytes };
}

function checkScan(
  queries: number,
  rows: number,
  count: number,
  { allowed, found, firstIndex = 0 }: ScanOptions,
): ScanExtents {
  checkInteger(count, "count", 1, MAX_NEIGHBOURS);
  checkInteger(firstIndex, "firstIndex", 0, 2 ** 31 - 1 - rows);
  if (allowed) checkShape(allowed, "allowed", [Math.ceil(rows / 8)]);
  if (found) {
    checkShape(found.indices, "found.indices", [queries, count]);
    checkShape(found.distances, "found.distances", [queries, count]);
  }
  return { queries, rows, firstIndex };
}

function checkPerRow({ scales, offsets }: ScanRowsOptions | ScanTablesOptions, rows: number): void {
  if (scales) checkShape(scales, "scales", [rows]);
  if (offsets) checkShape(offsets, "offsets", [rows]);
}
