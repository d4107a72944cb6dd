import {
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
  type HostTensor,
  type Matrix,
  printSpec,
} from "@tessera/core";
import { codewordsPerGroup } from "./bottleneck.js";
import { RowsHash, type RowsIdentity } from "./identity.js";
import { heldOutRows, type Plan, stateCount } from "./plan.js";
import type { TrainerState } from "./trainer.js";

/** All that a run needs to go on as if it had never stopped. */
export interface RunState extends TrainerState {
  /** Whether the codebooks have started. */
  readonly started: boolean;
  /** Codes that rows are pulled to, `[n, levels · groups]`; −1 in the first place for rows without. */
  readonly targets: Int32Array | undefined;
  /** The best state on held-out rows so far. */
  readonly best: { readonly score: number; readonly parameters: Float32Array } | undefined;
  /** Reviews since then. */
  readonly waited: number;
}

/** What a run is of: a checkpoint of another one is refused. */
export interface RunIdentity {
  readonly plan: Plan;
  readonly rows: RowsIdentity;
  /** The second embedding, where latents are aligned with one. */
  readonly alignment?: Matrix | undefined;
}

const FORMAT = "tessera-rqvae-checkpoint";
const VERSION = 1;

/** A checkpoint as the bytes of a safetensors file. */
export function saveCheckpoint(state: RunState, run: RunIdentity): Uint8Array {
  const { targets, best } = state;
  const tensors: Record<string, HostTensor> = {
    parameters: floats(state.parameters),
    usage: floats(state.usage),
  };
  state.optimizer.forEach((values, i) => {
    tensors[`optimizer.${i}`] = floats(values);
  });
  if (best) tensors["best"] = floats(best.parameters);
  if (targets) tensors["targets"] = { dtype: "I32", shape: [targets.length], data: targets };
  return encodeSafetensors(tensors, {
    format: FORMAT,
    version: String(VERSION),
    run: describeRun(run),
    state: JSON.stringify({
      step: state.step,
      started: state.started,
      waited: state.waited,
      // As text, for JSON has no infinities.
      ...(best && { score: String(best.score) }),
    }),
  });
}

/**
 * Reads a checkpoint of the same run: the same rows, spec, settings and seed.
 *
 * @throws {FormatError} if it is none, or of another run
 */
export function loadCheckpoint(bytes: Uint8Array, run: RunIdentity): RunState {
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata["format"] !== FORMAT || metadata["version"] !== String(VERSION)) {
    throw new FormatError(
      "this file is not a checkpoint that this version of @tessera/rqvae reads",
    );
  }
  if (metadata["run"] !== describeRun(run)) {
    throw new FormatError("the checkpoint is of a run with other rows, spec, settings or seed", {
      hint: "resume with what the run was started with, or start a new one",
    });
  }
  const { plan, rows } = run;
  const { layout, bottleneck, settings } = plan;
  const vector = (name: string, length: number): Float32Array => {
    const tensor = tensors.get(name);
    if (tensor?.dtype !== "F32" || tensor.data.length !== length) {
      throw new FormatError(`the checkpoint has no tensor "${name}" of ${length} values`);
    }
    return tensor.data as Float32Array;
  };
  const facts = readFacts(metadata["state"]);
  const { score } = facts;
  const targets = tensors.get("targets");
  const width = bottleneck.groups * bottleneck.sizes.length;
  const trained = rows.rows - heldOutRows(rows.rows, plan);
  if (targets && (targets.dtype !== "I32" || targets.data.length !== trained * width)) {
    throw new FormatError(`the checkpoint's targets are not ${width} codes for each row`);
  }
  return {
    step: facts.step,
    started: facts.started,
    waited: facts.waited,
    parameters: vector("parameters", layout.size),
    usage: vector("usage", bottleneck.groups * codewordsPerGroup(bottleneck)),
    optimizer: Array.from({ length: stateCount(settings) }, (_, i) =>
      vector(`optimizer.${i}`, layout.size),
    ),
    targets: targets?.data as Int32Array | undefined,
    best:
      score === undefined
        ? undefined
        : { score: Number(score), parameters: vector("best", layout.size) },
  };
}

interface Facts {
  readonly step: number;
  readonly started: boolean;
  readonly waited: number;
  readonly score?: string;
}

function readFacts(text: string | undefined): Facts {
  let facts: Partial<Facts> | null;
  try {
    facts = JSON.parse(text ?? "") as Partial<Facts> | null;
  } catch (error) {
    throw new FormatError("the checkpoint's state is not JSON", { cause: error });
  }
  const { step, started, waited, score } = facts ?? {};
  if (
    !Number.isSafeInteger(step) ||
    typeof started !== "boolean" ||
    !Number.isSafeInteger(waited) ||
    (score !== undefined && (typeof score !== "string" || Number.isNaN(Number(score))))
  ) {
    throw new FormatError("the checkpoint's state lacks a field");
  }
  return facts as Facts;
}

/** Tells runs apart. */
function describeRun({ plan, rows, alignment }: RunIdentity): string {
  return JSON.stringify({
    rows: [rows.rows, rows.cols, rows.hash],
    streamed: rows.streamed,
    ...(alignment && {
      alignment: [alignment.rows, alignment.cols, new RowsHash().add(alignment.data).value],
    }),
    widths: plan.widths,
    quantizer: printSpec(plan.bottleneck.spec),
    settings: plan.settings,
    seed: plan.seed,
  });
}

function floats(data: Float32Array): HostTensor {
  return { dtype: "F32", shape: [data.length], data };
}
