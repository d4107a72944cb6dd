/**
 * What a contender's result is worth, by one measure for all: its files come here, and the sums are in float64.
 */
import { readFileSync } from "node:fs";
import { createCpuBackend } from "@tessera/backend-cpu";
import { type HostTensor, type Matrix, matrix, sliceRows } from "@tessera/core";
import { decodeNpy } from "@tessera/io";
import { openVectors } from "@tessera/io/node";
import type { Outcome } from "./case.js";
import { recallOf } from "./judge-search.js";
import type { Recall } from "./results.js";

export interface Judgement {
  /** Less is better. */
  readonly quality: number;
  readonly recall?: Recall;
}

/** Exact search misses nothing; a little more than that lets it be compared by ratios. */
const LEAST_MISSED = 1e-6;

/**
 * The quality of the result in a file: the distortion (mean over rows of the squared L2 error), under `signs` the share of
 * wrong bits, under `neighbours` the share of the ten nearest that were missed. Less is better.
 *
 * @throws {Error} if the result does not have the shape that the outcome asks for
 */
export async function judge(
  outcome: Outcome,
  resultPath: string,
  rowsPath: string,
  codebookPath: string | undefined,
): Promise<Judgement> {
  const result = decodeNpy(readFileSync(resultPath), resultPath);
  const rows = await readRows(rowsPath);
  switch (outcome) {
    case "codes": {
      if (codebookPath === undefined) throw new Error("codes are of a codebook");
      expectShape(result, [rows.rows, 1]);
      const codebook = await readRows(codebookPath);
      return { quality: codesDistortion(rows, codebook, result.data as Int32Array) };
    }
    case "codebook":
      expectShape(result, [undefined, rows.cols]);
      return {
        quality: await codebookDistortion(rows, matrix(result.data as Float32Array, rows.cols)),
      };
    case "decoded":
      expectShape(result, [undefined, rows.cols]);
      return { quality: decodedDistortion(rows, matrix(result.data as Float32Array, rows.cols)) };
    case "neighbours": {
      expectShape(result, [undefined, undefined]);
      const recall = await recallOf(rowsPath, rows, result.data as Int32Array, result.shape[0]!);
      return { quality: Math.max(LEAST_MISSED, 1 - recall.at10), recall };
    }
    case "signs":
      expectShape(result, [undefined, Math.ceil(rows.cols / 8)]);
      return { quality: wrongSigns(rows, result.data as Uint8Array) };
  }
}

/** Mean of ‖x − c‖² over the rows and the codewords chosen for them. */
export function codesDistortion(rows: Matrix, codebook: Matrix, codes: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < rows.rows; i++) sum += squaredDistance(rows, i, codebook, codes[i]!);
  return sum / rows.rows;
}

/** The same for the nearest codewords. */
export async function codebookDistortion(rows: Matrix, codebook: Matrix): Promise<number> {
  const codes = await nearest(rows, codebook);
  // Who found them is a contender, too: look at some rows in the plainest way.
  const step = Math.max(1, Math.floor(rows.rows / CHECKED_ROWS));
  for (let i = 0; i < rows.rows; i += step) {
    const found = squaredDistance(rows, i, codebook, codes[i]!);
    for (let k = 0; k < codebook.rows; k++) {
      if (squaredDistance(rows, i, codebook, k) < found * (1 - 1e-5)) {
        throw new Error(`the judge is wrong about row ${i}: codeword ${k} is nearer`);
      }
    }
  }
  return codesDistortion(rows, codebook, codes);
}

const CHECKED_ROWS = 500;

async function nearest(rows: Matrix, codebook: Matrix): Promise<Int32Array> {
  const backend = await createCpuBackend({ engine: "wasm" });
  try {
    const x = backend.tensor(rows.data, [rows.rows, rows.cols]);
    const books = backend.tensor(codebook.data, [1, codebook.rows, codebook.cols]);
    return await backend.assign(x, books).codes.read();
  } finally {
    backend.dispose();
  }
}

/** Mean of ‖x − x̂‖² over the first rows, as many as came back. */
export function decodedDistortion(rows: Matrix, decoded: Matrix): number {
  if (decoded.rows === 0 || decoded.rows > rows.rows) {
    throw new Error(`${decoded.rows} rows came back of ${rows.rows}`);
  }
  const first = sliceRows(rows, 0, decoded.rows);
  let sum = 0;
  for (let i = 0; i < decoded.rows; i++) sum += squaredDistance(first, i, decoded, i);
  return sum / decoded.rows;
}

/** Share of bits that do not say whether their value is above 0; the lowest bit of a byte is the first value. */
export function wrongSigns({ data, rows, cols }: Matrix, packed: Uint8Array): number {
  const bytes = Math.ceil(cols / 8);
  const count = Math.min(rows, packed.length / bytes);
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < cols; j++) {
      const bit = (packed[i * bytes + (j >> 3)]! >> (j & 7)) & 1;
      if (bit !== (data[i * cols + j]! > 0 ? 1 : 0)) wrong++;
    }
  }
  return wrong / (count * cols);
}

function squaredDistance(a: Matrix, i: number, b: Matrix, k: number): number {
  const { cols } = a;
  let sum = 0;
  for (let j = 0; j < cols; j++) {
    const difference = a.data[i * cols + j]! - b.data[k * cols + j]!;
    sum += difference * difference;
  }
  return sum;
}

function expectShape({ shape }: HostTensor, expected: readonly (number | undefined)[]): void {
  const fits =
    shape.length === expected.length &&
    shape.every((extent, i) => expected[i] === undefined || expected[i] === extent);
  if (!fits) throw new Error(`the result is [${shape.join(", ")}]`);
}

async function readRows(path: string): Promise<Matrix> {
  const file = await openVectors(path);
  try {
    return await file.readAll();
  } finally {
    await file.close();
  }
}
