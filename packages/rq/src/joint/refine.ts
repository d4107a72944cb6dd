import type { Codes, CompleteBackend, FitContext, Matrix } from "@tessera/core";
import { distortions } from "../leftover.js";
import { ResidualModel } from "../model.js";
import { type Codebooks, coarseToFine, vqLevels } from "./codebooks.js";
import { leastSquares } from "./least-squares.js";

/** Rounds of encoding and least squares at most. */
const ROUNDS = 16;
/** A round that gains less than this share is the last one. */
const TOLERANCE = 1e-3;
/** Ridges to try, in rows, from weak to strong: a round that does not help is made again with the next one. */
const RIDGES = [4, 32, 256, 2048];

export interface Judged {
  readonly codebooks: Codebooks;
  /** Of the held-out rows: mean of the squared L2 error. */
  readonly distortion: number;
}

export interface Refinement extends Judged {
  /** The ridge of each round that was kept. */
  readonly ridges: readonly number[];
}

export interface RefineOptions {
  readonly backend: CompleteBackend;
  readonly beam: number;
  readonly context: FitContext;
  /** @param distortion of the held-out rows, where there are some */
  readonly onRound: (done: number, total: number, distortion?: number) => unknown;
}

/**
 * Rounds of encoding by beam search and least squares over all codebooks (Babenko and Lempitsky 2014). A round is kept if
 * the distortion of rows held out falls.
 *
 * @param best distortion of another refinement; this one gives up where it could not get below it even if all rounds left
 *   gained as much as the last one, and they gain less and less
 */
export async function refine(
  start: Judged,
  learned: Matrix,
  heldOut: Matrix,
  best: number,
  options: RefineOptions,
): Promise<Refinement> {
  let { codebooks, distortion } = start;
  let codes: Codes | undefined;
  const ridges: number[] = [];
  for (let round = 0, strength = 0; round < ROUNDS && strength < RIDGES.length; round++) {
    const ridge = RIDGES[strength]!;
    codes ??= await encode(codebooks, learned, options);
    const next = await solve(learned, codes, codebooks, ridge, options);
    const found = await judge(next, heldOut, options);
    await options.onRound(round + 1, ROUNDS, Math.min(found, distortion));
    if (!(found < distortion)) {
      strength++;
      continue;
    }
    const gain = distortion - found;
    const share = gain / distortion;
    codebooks = next;
    distortion = found;
    codes = undefined;
    ridges.push(ridge);
    const left = ROUNDS - round - 1;
    if (share < TOLERANCE || distortion - left * gain > best) break;
  }
  return { codebooks, ridges, distortion };
}

/** The distortion that codebooks leave of held-out rows. */
export async function judge(
  codebooks: Codebooks,
  heldOut: Matrix,
  { beam, context }: Pick<RefineOptions, "beam" | "context">,
): Promise<number> {
  const model = new ResidualModel(vqLevels(codebooks), { beam });
  return (await distortions(model, heldOut, context)).at(-1)!;
}

/** The rounds of an earlier refinement, on other rows. */
export async function repeat(
  start: Codebooks,
  rows: Matrix,
  ridges: readonly number[],
  options: RefineOptions,
): Promise<Codebooks> {
  let codebooks = start;
  for (const [round, ridge] of ridges.entries()) {
    const codes = await encode(codebooks, rows, options);
    codebooks = await solve(rows, codes, codebooks, ridge, options);
    await options.onRound(round + 1, ridges.length);
  }
  return codebooks;
}

function encode(
  codebooks: Codebooks,
  rows: Matrix,
  { backend, beam, context }: RefineOptions,
): Promise<Codes> {
  const { signal } = context.options;
  return new ResidualModel(vqLevels(codebooks), { beam }).encode(rows, { backend, signal });
}

async function solve(
  rows: Matrix,
  codes: Codes,
  codebooks: Codebooks,
  ridge: number,
  { backend, context }: RefineOptions,
): Promise<Codebooks> {
  const { signal } = context.options;
  return coarseToFine(await leastSquares(rows, codes, codebooks, { backend, ridge, signal }));
}
