import { checkFinite, isMatrix, type Matrix } from "@tessera/core";
import { type Batches, HeldBatches } from "./batches.js";
import { type RowsIdentity, RowsHash } from "./identity.js";
import { type Input, prepareInput } from "./input.js";
import type { Plan } from "./plan.js";
import { type RowStream, StreamBatches } from "./stream.js";
import { surveyStream } from "./survey.js";

/** The rows of a run: those that reviews look at, and the batches of its steps. */
export interface Source extends Input {
  readonly identity: RowsIdentity;
  readonly batches: Batches;
}

/** @throws {NonFiniteError} naming the first row that is not finite */
export async function openSource(
  rows: Matrix | RowStream,
  plan: Plan,
  signal: AbortSignal | undefined,
): Promise<Source> {
  const { settings, seed } = plan;
  if (isMatrix(rows as Matrix)) return sourceInMemory(rows as Matrix, plan);
  const stream = rows as RowStream;
  const { count, total, hash, ...input } = await surveyStream(stream, settings, seed, signal);
  const { batchSize, bufferRows, holdOut } = settings;
  const { standard } = input;
  return {
    ...input,
    identity: { rows: total, cols: stream.cols, hash, streamed: true },
    batches: new StreamBatches(stream, {
      rows: count,
      batchSize,
      bufferRows,
      holdOut,
      seed,
      standard,
      signal,
    }),
  };
}

function sourceInMemory(rows: Matrix, plan: Plan): Source {
  checkFinite(rows);
  const input = prepareInput(rows, plan);
  const hash = new RowsHash().add(rows.data).value;
  return {
    ...input,
    identity: { rows: rows.rows, cols: rows.cols, hash, streamed: false },
    batches: new HeldBatches(input.trained.rows, plan.settings.batchSize, plan.seed),
  };
}
