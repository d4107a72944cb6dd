import type { Matrix } from "@tessera/core";
import type { KmeansStop } from "./options.js";
import { assignPass, disposePass, type Pass, type Run } from "./pass.js";
import { repairedUpdate } from "./repair.js";
import { updateCentroids } from "./statistics.js";

export interface Fitted {
  readonly codebook: Matrix;
  /** The assignment to `codebook`; whoever holds it disposes it. */
  readonly pass: Pass;
  readonly iterations: number;
  readonly history: readonly number[];
  readonly stopped: KmeansStop;
}

export interface LloydOptions {
  readonly iterations: number;
  readonly tolerance: number;
  /** Told after each assignment. */
  readonly onIteration?:
    | ((iteration: number, codebook: Matrix, objective: number) => unknown)
    | undefined;
}

/**
 * Lloyd's algorithm (1982) from a given codebook: assign, update, and again. It ends on an assignment, so that objective,
 * counts and codes belong to the codebook that is returned.
 */
export async function lloyd(run: Run, start: Matrix, options: LloydOptions): Promise<Fitted> {
  let codebook = start;
  let pass = await assignPass(run, codebook);
  const history = [pass.statistics.objective];
  let stopped: KmeansStop = "iterations";
  try {
    await options.onIteration?.(0, codebook, history[0]!);
    while (history.length <= options.iterations) {
      // No squared distance is below 0.
      if (run.metric === "l2" && pass.statistics.objective === 0) {
        stopped = "converged";
        break;
      }
      const next = await update(run, codebook, pass);
      // The same codebook has the same assignment, and so for ever.
      if (sameBits(next.codebook.data, codebook.data)) {
        stopped = "converged";
        break;
      }
      const nextPass = await assignPass(run, next.codebook);
      disposePass(pass);
      pass = nextPass;
      codebook = next.codebook;
      const before = history.at(-1)!;
      const { objective } = pass.statistics;
      history.push(objective);
      await options.onIteration?.(history.length - 1, codebook, objective);
      // A codeword that has just been moved has yet to find its place.
      if (!next.moved && isSmallChange(before, objective, options.tolerance)) {
        stopped = "tolerance";
        break;
      }
    }
  } catch (error) {
    disposePass(pass);
    throw error;
  }
  return { codebook, pass, iterations: history.length - 1, history, stopped };
}

/** Whether the objective fell (or rose) by no more than this share; never if the tolerance is 0. */
export function isSmallChange(before: number, after: number, tolerance: number): boolean {
  return tolerance > 0 && Math.abs(before - after) <= tolerance * Math.abs(before);
}

async function update(
  run: Run,
  codebook: Matrix,
  pass: Pass,
): Promise<{ codebook: Matrix; moved: boolean }> {
  if (pass.statistics.counts.includes(0)) return repairedUpdate(run, codebook, pass);
  const { spherical } = run;
  return { codebook: updateCentroids(pass.statistics, codebook, { spherical }), moved: false };
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
