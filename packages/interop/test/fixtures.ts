import { readFileSync } from "node:fs";
import { Codes, type Matrix, matrix } from "@tessera/core";
import type { FaissImport } from "../src/index.js";

/** What faiss made of a case. */
export interface ExpectedCase {
  /** Each row's codes as faiss packs them, in hexadecimal; `null` where nothing is quantized. */
  readonly codes: string | null;
  readonly labels: readonly (readonly number[])[];
  readonly distances: readonly (readonly number[])[];
}

export interface Expected {
  readonly rows: Matrix;
  readonly queries: Matrix;
  readonly cases: Readonly<Record<string, ExpectedCase>>;
}

/** The small files of faiss in this repository. */
export const GOLDEN = new URL("golden/faiss/", import.meta.url);

/** The file that `golden/faiss/make.py` writes beside its indexes. */
export function readExpected(folder: URL): Expected {
  const { rows, queries, cases } = JSON.parse(
    readFileSync(new URL("expected.json", folder), "utf8"),
  ) as { rows: number[][]; queries: number[][]; cases: Record<string, ExpectedCase> };
  return { rows: matrix(rows), queries: matrix(queries), cases };
}

export function readIndexFile(folder: URL, name: string): Uint8Array {
  return readFileSync(new URL(`${name}.index`, folder));
}

/** The codes in the order in which `golden/faiss/make.py` added the rows: ids of its own go from the last row to the first. */
export function inOrderOfRows({ codes, ids }: FaissImport): Codes {
  const { rows, columns, cardinalities } = codes!;
  const order = [...codes!.data.keys()].slice(0, rows);
  if (ids) order.sort((a, b) => Number(ids[b]! - ids[a]!));
  const data = new Uint32Array(rows * columns);
  order.forEach((from, to) => data.set(codes!.row(from), to * columns));
  return new Codes(data, cardinalities);
}
