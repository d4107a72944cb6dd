import type { CompleteBackend } from "@tessera/core";
import type { Plan } from "../plan.js";
import { scansOn } from "../scan/open.js";

/**
 * Nanoseconds on one thread of an AVX-512 core, whose ratios are what counts: an entry looked up of a table of 16 and of
 * 256, a multiplication in a scan of rows, a value decoded on the device.
 */
const LOOKUP_OF_16 = 0.03;
const LOOKUP_OF_256 = 0.25;
const PRODUCT = 0.02;
const DECODED_VALUE = 0.5;

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
  return queries * (lookup * tables.tables - PRODUCT * dimension) > DECODED_VALUE * dimension;
}
