import { batch, computed, effect, signal } from "@preact/signals";
import { bitsFor, parseSpec, type Spec, SpecError, TesseraError } from "@tessera/core";
import type { Dataset } from "../data/dataset.js";
import { readFile } from "../data/file.js";
import { loadSample } from "../data/samples.js";
import { shapeOf } from "../data/shapes.js";
import { EngineClient } from "../engine/client.js";
import type {
  Answer,
  BackendFacts,
  Failure,
  HealthFacts,
  ProgressFacts,
  Result,
  View,
} from "../engine/protocol.js";
import { stillness } from "../views/stillness.js";
import { type Curves, withFigures } from "./curves.js";
import { hashOf, settingsFrom } from "./hash.js";
import {
  FIRST_SPEC,
  SAMPLES,
  type SampleName,
  type Settings,
  type ShapeName,
  SHAPES,
} from "./settings.js";
import { commandOf, isAutoencoder, trainingOf } from "./reproduce.js";

/** What a run is doing. */
export type Phase = "idle" | "running" | "paused" | "done";

/** A finished run, kept to be compared with others. */
export interface PastRun {
  readonly spec: string;
  readonly data: string;
  /** Of the whole code, and of each part of it that decodes on its own, coarse ones first. */
  readonly levels: readonly { readonly bits: number; readonly relativeDistortion: number }[];
  readonly hash: string;
}

const settings = signal<Settings>(settingsFrom(location.hash));
const dataset = signal<Dataset | undefined>(undefined);
const loading = signal(false);
const phase = signal<Phase>("idle");
const backend = signal<BackendFacts | undefined>(undefined);
const progress = signal<ProgressFacts | undefined>(undefined);
const curves = signal<Curves>(new Map());
const health = signal<HealthFacts | undefined>(undefined);
const view = signal<View | undefined>(undefined);
const result = signal<Result | undefined>(undefined);
const failure = signal<Failure | undefined>(undefined);
const selected = signal<number | undefined>(undefined);
const neighbours = signal<Extract<Answer, { kind: "neighbours" }> | undefined>(undefined);
/** Reconstructions of rows by `row/columns`. */
const decoded = signal<ReadonlyMap<string, Float32Array>>(new Map());
const past = signal<readonly PastRun[]>([]);

const parsed = computed<Spec | (Failure & { readonly start: number; readonly end: number })>(() => {
  const { spec } = settings.value;
  try {
    return parseSpec(spec);
  } catch (error) {
    const where = error instanceof SpecError ? error : { start: 0, end: spec.length };
    return { ...failureOf(error), start: where.start, end: Math.min(where.end, spec.length + 1) };
  }
});
const command = computed(() => commandOf(settings.value, dataset.value));
/** Whether there is something to train, and what to train it on. */
const ready = computed(
  () => dataset.value !== undefined && !loading.value && !("message" in parsed.value),
);
const usesAutoencoder = computed(() => isAutoencoder(settings.value.spec));

const engine = new EngineClient(onAnswer);
let loads = new AbortController();
/** A view that waits until nothing moves. */
let held: View | undefined;

export const store = {
  settings,
  dataset,
  loading,
  phase,
  backend,
  progress,
  curves,
  health,
  view,
  result,
  failure,
  selected,
  neighbours,
  decoded,
  past,
  parsed,
  command,
  ready,
  usesAutoencoder,
  change,
  chooseData,
  changePoints,
  openFile,
  play,
  pause: () => engine.tell("pause"),
  step,
  reset,
  showLevel,
  select,
  decode,
};

/** Keeps the address in step with the settings, and the settings with an address that is pasted. */
export function begin(): void {
  effect(() => {
    const hash = `#${hashOf(settings.value)}`;
    if (location.hash !== hash) history.replaceState(undefined, "", hash);
  });
  addEventListener("hashchange", () => {
    const given = settingsFrom(location.hash);
    if (hashOf(given) === hashOf(settings.value)) return;
    settings.value = given;
    void load();
  });
  void load();
}

/** Changes what runs follow from; what there was of a run is no longer of these settings. */
function change(changes: Partial<Settings>): void {
  settings.value = { ...settings.value, ...changes };
  if (Object.keys(changes).some((key) => key !== "level" && key !== "map")) reset();
}

function chooseData(data: Settings["data"]): void {
  const speed = (SHAPES as readonly string[]).includes(data) ? "slow" : "full";
  change({ data, spec: FIRST_SPEC[data], speed, level: 0 });
  void load();
}

function changePoints(points: number): void {
  change({ points });
  void load();
}

async function load(): Promise<void> {
  const { data, points } = settings.value;
  reset();
  if (data === "file") {
    // A visitor's file is not in the address: it has to be chosen again.
    dataset.value = undefined;
    return;
  }
  if (!(SAMPLES as readonly string[]).includes(data)) {
    dataset.value = shapeOf(data as ShapeName, points);
    return;
  }
  await loadInto((signal) => loadSample(data as SampleName, signal));
}

async function openFile(file: File): Promise<void> {
  const before = settings.value;
  const read = await loadInto((signal) => readFile(file, signal));
  if (!read) return;
  settings.value = {
    ...before,
    data: "file",
    ...(before.data !== "file" && { spec: FIRST_SPEC.file }),
    level: 0,
  };
}

/** Puts data in place once they are there; if they cannot be had, those before stay. */
async function loadInto(read: (signal: AbortSignal) => Promise<Dataset>): Promise<boolean> {
  loads.abort();
  const own = new AbortController();
  loads = own;
  loading.value = true;
  try {
    const found = await read(own.signal);
    if (own.signal.aborted) return false;
    batch(() => {
      reset();
      dataset.value = found;
    });
    return true;
  } catch (error) {
    if (!own.signal.aborted) failure.value = failureOf(error);
    return false;
  } finally {
    if (loads === own) loading.value = false;
  }
}

function play(): void {
  if (phase.value === "paused") {
    engine.tell("resume");
    phase.value = "running";
    return;
  }
  start(false);
}

function step(): void {
  if (phase.value === "idle" || phase.value === "done") return start(true);
  engine.tell("step");
}

function start(paused: boolean): void {
  const data = dataset.value;
  if (!data || !ready.value) return;
  const { spec, seed, iterations, backend: choice, speed, level } = settings.value;
  reset();
  phase.value = "running";
  engine.start(
    {
      rows: data.rows,
      spec,
      seed,
      iterations,
      backend: choice,
      speed,
      level,
      training: trainingOf(settings.value),
    },
    paused,
  );
}

function reset(): void {
  engine.reset();
  batch(() => {
    phase.value = "idle";
    progress.value = undefined;
    curves.value = new Map();
    health.value = undefined;
    view.value = undefined;
    held = undefined;
    result.value = undefined;
    failure.value = undefined;
    selected.value = undefined;
    neighbours.value = undefined;
    decoded.value = new Map();
  });
}

function showLevel(level: number): void {
  change({ level });
  if (result.value) engine.ask({ kind: "view", term: level });
}

function select(row: number | undefined): void {
  selected.value = row;
  neighbours.value = undefined;
  if (row !== undefined && result.value) engine.ask({ kind: "neighbours", row });
}

function decode(row: number, columns: number): void {
  if (!decoded.value.has(`${row}/${columns}`)) engine.ask({ kind: "decode", row, columns });
}

function onAnswer(answer: Answer): void {
  batch(() => {
    switch (answer.kind) {
      case "backend":
        backend.value = answer.backend;
        break;
      case "progress":
        phase.value = "running";
        progress.value = answer.progress;
        curves.value = withFigures(curves.value, answer.progress.figures);
        break;
      case "view":
        // Who wants no motion sees what a step or a run came to, not the way there.
        if (stillness.matches && phase.value === "running") held = answer.view;
        else view.value = answer.view;
        break;
      case "health":
        health.value = answer.health;
        break;
      case "paused":
        phase.value = "paused";
        view.value = held ?? view.value;
        held = undefined;
        break;
      case "done":
        finish(answer.result);
        break;
      case "decoded":
        decoded.value = new Map(decoded.value).set(
          `${answer.row}/${answer.columns}`,
          answer.values,
        );
        break;
      case "neighbours":
        neighbours.value = answer;
        break;
      case "failed":
        failure.value = answer.failure;
        phase.value = "idle";
        break;
    }
  });
}

function finish(found: Result): void {
  phase.value = "done";
  result.value = found;
  const run: PastRun = {
    spec: settings.value.spec,
    data: dataset.value?.title ?? "",
    levels: found.prefixes.map((columns, i) => ({
      bits: found.cardinalities.slice(0, columns).reduce((sum, size) => sum + bitsFor(size), 0),
      relativeDistortion: found.distortionPerPrefix[i]! / (found.totalVariance || 1),
    })),
    hash: hashOf(settings.value),
  };
  past.value = [
    ...past.value.filter(({ hash, data }) => hash !== run.hash || data !== run.data),
    run,
  ];
}

function failureOf(error: unknown): Failure {
  if (error instanceof TesseraError) return { message: error.message, hint: error.hint };
  return { message: error instanceof Error ? error.message : String(error), hint: undefined };
}
