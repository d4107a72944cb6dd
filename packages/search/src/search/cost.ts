import type { CompleteBackend } from "@tessera/core";
import { hasOffsets, type Plan } from "../plan.js";
import { scansOn } from "../scan/open.js";

/**
 * Nanoseconds on one thread of a busy AVX-512 machine, whose ratios are what counts: an entry looked up of a table of 16
 * and of 256, the scales and offsets of a row whose sum is made of entries, a multiplication in a scan of rows, and a value
 * decoded on the device.
 */
const LOOKUP_OF_16 = 0.008;
const LOOKUP_OF_256 = 0.018;
const SCALED_ROW = 0.2;
const PRODUCT = 0.023;
const DECODED_VALUE = 0.4;

/**
 * Whether so many queries are found sooner by decoding rows and multiplying than by tables. Decoding is paid once for a
 * batch of queries, look-ups by each of them.
 */
export function prefersRows(plan: Plan, queries: number, backend: CompleteBackend): boolean {
  const { tables, decoder, space } = plan;
  if (!tables) return true;
  if (!decoder || !scansOn(backend, "rows")) return false;
  const lookup = tables.size === 16 ? LOOKUP_OF_16 : LOOKUP_OF_256;
  const { dimension } = space.leaf;
  const byTables = lookup * tables.tables + (hasOffsets(plan) ? SCALED_ROW : 0);
  return queries * (byTables - PRODUCT * dimension) > DECODED_VALUE * dimension;
}
