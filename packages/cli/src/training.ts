import { unlink } from "node:fs/promises";
import type { Matrix } from "@tessera/core";
import { FileError } from "@tessera/io";
import { readBytes, writeFileAtomic } from "@tessera/io/node";
import { type AutoencoderOptions, resolveSettings } from "@tessera/rqvae";
import { flag, integer, text } from "./args/options.js";
import { UsageError } from "./args/usage-error.js";
import type { Context } from "./context.js";
import { Journal } from "./journal.js";
import type { PlannedOutput } from "./outputs.js";
import { recordOf, type RunRecord } from "./training-report/record.js";
import { withVectorFile } from "./vectors.js";

/** Options of how an autoencoder (`rqvae…`, `ae(…)>…`) is trained; other quantizers ignore them. */
export const TRAINING_OPTIONS = {
  training: text("JSON", {
    help: 'how rqvae… is trained, such as {"steps":20000,"commitment":0.1}',
    defaultText: "the settings in the README of @tessera/rqvae",
  }),
  alignment: text("FILE", {
    help: "a second embedding of the same rows that rqvae… is aligned with, such as of who bought what",
  }),
  checkpoint: text("FILE", { help: "where a training run of rqvae… keeps its state" }),
  "checkpoint-every": integer({
    least: 1,
    help: "steps between two checkpoints",
    defaultText: "500",
  }),
  resume: flag("go on from the file of --checkpoint, if it exists"),
  log: text("FILE", { help: "a .jsonl file for the losses and reviews of training" }),
};

export interface TrainingChoice {
  readonly training: string | undefined;
  readonly alignment: string | undefined;
  readonly checkpoint: string | undefined;
  readonly "checkpoint-every": number | undefined;
  readonly resume: boolean;
  readonly log: string | undefined;
}

/** A training run's options, and what is to be done once its model is written. */
export interface TrainingRun {
  readonly options: AutoencoderOptions;
  /** The run so far, for a report; nothing if nothing was trained. */
  record(): RunRecord | undefined;
  /** Completes the log. The checkpoint goes, since the model has come in its place. */
  finish(): Promise<void>;
}

/** Files that the options name, to be checked before any work. */
export function trainingOutputs({ checkpoint, log }: TrainingChoice): PlannedOutput[] {
  return [
    ...(checkpoint === undefined ? [] : [{ option: "checkpoint", path: checkpoint }]),
    ...(log === undefined ? [] : [{ option: "log", path: log }]),
  ];
}

/** Files that training reads besides the rows. */
export function trainingInputs({ alignment }: TrainingChoice): string[] {
  return alignment === undefined ? [] : [alignment];
}

/** @throws {UsageError} if the settings are not a JSON object, or there is nothing to resume from */
export async function openTraining(choice: TrainingChoice, context: Context): Promise<TrainingRun> {
  const { checkpoint, log, resume } = choice;
  const { signal } = context;
  if (resume && checkpoint === undefined) {
    throw new UsageError("--resume needs --checkpoint", "name the file that the run keeps");
  }
  const settings = readSettings(choice.training);
  const alignment =
    choice.alignment === undefined ? undefined : await readAlignment(choice.alignment, context);
  const held =
    resume && checkpoint !== undefined ? await readIfThere(checkpoint, signal) : undefined;
  const journal = await Journal.open(log, held !== undefined);
  return {
    options: {
      ...settings,
      ...(alignment && { alignment }),
      ...(held && { resume: held }),
      onEvent: journal.write,
      ...(checkpoint !== undefined && {
        checkpoint: {
          every: choice["checkpoint-every"] ?? 500,
          save: async (bytes: Uint8Array) => {
            await journal.flush();
            await writeFileAtomic(checkpoint, bytes, { signal });
          },
        },
      }),
    },
    record: () => (journal.events.length === 0 ? undefined : recordOf(journal.events)),
    async finish() {
      await journal.flush();
      if (checkpoint !== undefined) await unlink(checkpoint).catch(() => undefined);
    },
  };
}

function readSettings(given: string | undefined): AutoencoderOptions {
  if (given === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    // Checked before any file is opened. What was not given is left to what is trained: fsq has defaults of its own.
    resolveSettings(value);
    return value;
  }
  throw new UsageError(
    `--training is not a JSON object: ${given}`,
    `quote it for the shell, such as --training '{"steps":20000}'`,
  );
}

function readAlignment(path: string, context: Context): Promise<Matrix> {
  const choice = { tensor: undefined, field: undefined, column: undefined };
  return withVectorFile(path, choice, context, (file) => file.readAll());
}

async function readIfThere(path: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    return await readBytes(path, { signal });
  } catch (error) {
    if (error instanceof FileError && error.reason === "ENOENT") return undefined;
    throw error;
  }
}
