import { computed, effect, signal } from "@preact/signals";
import type { Dataset } from "../data/dataset.js";
import { EngineClient } from "../engine/client.js";
import type { Answer, Failure, View } from "../engine/protocol.js";
import { drawnRows, takeRows } from "../engine/scatter.js";
import type { Layout } from "../engine/umap.js";
import { stillness } from "../views/stillness.js";
import { store } from "./store.js";

/** Fewer rows than this have no neighbourhoods to keep. */
const FEWEST_ROWS = 8;

/** The layout by UMAP of a dataset's drawn rows, which no run changes. */
interface Laid {
  readonly dataset: Dataset;
  readonly layout: Layout | undefined;
}

const laid = signal<Laid | undefined>(undefined);
const failure = signal<Failure | undefined>(undefined);
const engine = new EngineClient(onAnswer);

/** Whether rows can be laid out by UMAP: those on a plane are best shown as they are. */
const possible = computed(() => {
  const rows = store.dataset.value?.rows;
  return rows !== undefined && rows.cols > 2 && rows.rows >= FEWEST_ROWS;
});
/** The data to lay out, if they are to be. */
const wanted = computed(() =>
  store.settings.value.map === "umap" && possible.value ? store.dataset.value : undefined,
);

export const layouts = {
  possible,
  wanted,
  failure,
  /** The layout of the data shown, as far as it is. */
  current: computed(() =>
    wanted.value && laid.value?.dataset === wanted.value ? laid.value.layout : undefined,
  ),
};

/** Lays out what is to be; ends what no longer is. A finished layout stays while its data do. */
export function beginLayouts(): void {
  effect(() => {
    const dataset = wanted.value;
    const { dataset: before, layout } = laid.peek() ?? {};
    const finished = layout !== undefined && layout.done === layout.total;
    if (finished && (before === dataset || !dataset)) return;
    engine.reset();
    failure.value = undefined;
    laid.value = dataset && { dataset, layout: undefined };
    if (dataset) engine.layOut(takeRows(dataset.rows, drawnRows(dataset.rows.rows)));
  });
}

function onAnswer(answer: Answer): void {
  if (answer.kind === "failed") failure.value = answer.failure;
  const { dataset, layout } = laid.peek() ?? {};
  if (answer.kind !== "layout" || !dataset) return;
  const { points, done, total } = answer.layout;
  // Who wants no motion sees the finished layout, after the progress of its making.
  const moved = done === total || !stillness.matches;
  const shown = moved ? points : (layout?.points ?? new Float32Array(0));
  laid.value = { dataset, layout: { points: shown, done, total } };
  if (done === total) engine.reset();
}

/** A view on such a layout: codewords lie on the rows nearest to them, where there are such. */
export function viewOn(view: View, points: Float32Array): View {
  const { nearest, term, title } = view;
  const codewords = new Float32Array(2 * (nearest?.length ?? 0));
  nearest?.forEach((at, k) => codewords.set(points.subarray(2 * at, 2 * at + 2), 2 * k));
  return {
    ...view,
    title: term === undefined ? `rows, coloured by ${title}` : `rows, coloured by their codes`,
    points,
    codewords,
    counts: nearest ? view.counts : new Uint32Array(0),
    exact: false,
  };
}
