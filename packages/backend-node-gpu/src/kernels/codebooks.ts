import { CodeRangeError } from "@tessera/core";
import { outsideError } from "@tessera/core/authoring";
import type { Engine, Node } from "../engine.js";

/** @throws {CodeRangeError} naming the first code outside 0..codewords − 1 */
export function checkCodes(codes: Int32Array, groups: number, codewords: number): void {
  const first = codes.findIndex((code) => code < 0 || code >= codewords);
  if (first < 0) return;
  throw new CodeRangeError(Math.floor(first / groups), first % groups, codes[first]!, codewords);
}

/**
 * Codewords by code.
 *
 * @param codebooks `[g, k, d]`
 * @param codes `[n, g]`
 * @returns `[n, g·d]`
 */
export function gather(engine: Engine, codebooks: Node, codes: Node): Node {
  const [groups, codewords, dimension] = codebooks.shape as [number, number, number];
  checkCodes(engine.download(codes) as Int32Array, groups, codewords);
  const firsts = Array.from({ length: groups }, (_, group) => group * codewords);
  const places = groups === 1 ? codes : engine.op("AddV2", [codes, engine.ints(firsts)]);
  const all = engine.reshape(codebooks, [groups * codewords, dimension]);
  return engine.reshape(engine.take(all, places), [codes.shape[0]!, groups * dimension]);
}

/**
 * Rows by index.
 *
 * @param x `[m, d]`
 * @param indices `[n]`
 * @param what the word for an index in errors
 */
export function take(engine: Engine, x: Node, indices: Node, what: "index" | "parent"): Node {
  const rows = x.shape[0]!;
  const values = engine.download(indices) as Int32Array;
  const first = values.findIndex((index) => index < 0 || index >= rows);
  if (first >= 0) throw outsideError(what, values[first]!, first, rows);
  return engine.take(x, indices);
}
