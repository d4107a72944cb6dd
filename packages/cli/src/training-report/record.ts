import { FormatError } from "@tessera/core";
import type { Collapse, RunFacts, TrainingEvent } from "@tessera/rqvae";

/** An event with the seconds since its run was started, or went on. */
export type LoggedEvent = TrainingEvent & { readonly seconds: number };

export type StepEvent = Extract<LoggedEvent, { kind: "step" }>;
export type ReviewEvent = Extract<LoggedEvent, { kind: "review" }>;

/** A run as its events tell it. */
export interface RunRecord {
  readonly facts: RunFacts;
  readonly steps: readonly StepEvent[];
  readonly reviews: readonly ReviewEvent[];
  readonly collapse: (Collapse & { readonly step: number }) | undefined;
  /** Steps taken. */
  readonly taken: number;
  /** That it took, over all its parts. */
  readonly seconds: number;
  /** How often it went on from a checkpoint. */
  readonly resumed: number;
}

/**
 * A run from its events, in order. A run that went on took steps again that were after its checkpoint; those count once.
 *
 * @throws {FormatError} if there is no start, or no step
 */
export function recordOf(events: Iterable<LoggedEvent>): RunRecord {
  let facts: RunFacts | undefined;
  let steps: StepEvent[] = [];
  let reviews: ReviewEvent[] = [];
  let collapse: RunRecord["collapse"];
  let [before, last, resumed] = [0, 0, 0];
  for (const event of events) {
    if (event.kind === "start") {
      facts = event;
      before += last;
    }
    last = event.seconds;
    if (event.kind === "step") steps.push(event);
    if (event.kind === "review") reviews.push(event);
    if (event.kind === "collapse") collapse = event;
    if (event.kind !== "resume") continue;
    const { step } = event;
    resumed++;
    steps = steps.filter((each) => each.step <= step);
    // A review at the very step of a checkpoint came after it.
    reviews = reviews.filter((each) => each.step < step);
    collapse = undefined;
  }
  const taken = Math.max(steps.at(-1)?.step ?? 0, reviews.at(-1)?.step ?? 0);
  if (facts === undefined || taken === 0) {
    throw new FormatError("no training run with a step is told of", {
      hint: "give a file that --log of tessera fit or ids wrote",
    });
  }
  return { facts, steps, reviews, collapse, taken, seconds: before + last, resumed };
}

/** @throws {FormatError} naming the line that is no event */
export function parseLog(text: string): LoggedEvent[] {
  const lines = text.split("\n");
  // A run that was killed may have left its last line unfinished.
  lines.pop();
  return lines.map((line, i) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = undefined;
    }
    if (isEvent(value)) return value;
    throw new FormatError(`line ${i + 1} is not an event of a training run`, {
      hint: "give a file that --log of tessera fit or ids wrote",
    });
  });
}

type Fields = Readonly<Record<string, unknown>>;

/** JSON writes what is not finite as null. */
const isNumber = (value: unknown): boolean => value === null || typeof value === "number";
const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;

const FIELDS: Readonly<Record<string, (event: Fields) => boolean>> = {
  start: ({ spec, settings, rows, dimension, reviewed, parameters }) =>
    typeof spec === "string" &&
    isObject(settings) &&
    [settings["steps"], settings["pretraining"], rows, dimension, reviewed, parameters].every(
      (value) => typeof value === "number",
    ),
  resume: () => true,
  step: ({ reconstruction, quantization, learningRate }) =>
    [reconstruction, quantization, learningRate].every(isNumber),
  review: (event) =>
    isHealth(event) && (event["heldOut"] === undefined || isHealth(event["heldOut"])),
  collapse: ({ message, remedy }) => typeof message === "string" && typeof remedy === "string",
};

function isEvent(value: unknown): value is LoggedEvent {
  if (!isObject(value) || typeof value["seconds"] !== "number") return false;
  const { kind, step } = value;
  const check = typeof kind === "string" && Object.hasOwn(FIELDS, kind) && FIELDS[kind];
  return check ? (kind === "start" || typeof step === "number") && check(value) : false;
}

function isHealth(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { levels, relativeDistortion, distinct } = value;
  return (
    Array.isArray(levels) &&
    levels.length > 0 &&
    levels.every(
      (level: unknown) =>
        isObject(level) &&
        ["usage", "perplexity", "dead", "residualEnergy"].every((name) => isNumber(level[name])),
    ) &&
    [relativeDistortion, distinct].every(isNumber)
  );
}
