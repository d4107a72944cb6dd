import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { mapToPlane } from "@tessera/transforms";
import { labelOf } from "../data/dataset.js";
import { drawnRows, takeRows } from "../engine/scatter.js";
import { layouts, viewOn } from "../state/layout.js";
import { store } from "../state/store.js";
import { About } from "../views/about.js";
import { type Brush, Canvas } from "../views/canvas.js";
import { drawMap, drawPoints } from "../views/draw-map.js";
import { frameOf, pointAt } from "../views/frame.js";
import { stillness } from "../views/stillness.js";
import { percent } from "../views/text.js";
import { Codewords } from "./codewords.js";
import { LayoutProgress, MapChoices } from "./map-choices.js";

export function MapPanel() {
  const trained = store.view.value;
  const places = layouts.current.value?.points;
  const laid = places !== undefined && places.length > 0 ? places : undefined;
  const view = useMemo(() => trained && (laid ? viewOn(trained, laid) : trained), [trained, laid]);
  const dataset = store.dataset.value;
  const selected = store.selected.value;
  const near = store.neighbours.value;
  const [hovered, setHovered] = useState<{ row: number; x: number; y: number } | undefined>();
  const [size, setSize] = useState<readonly [number, number]>([1, 1]);
  const firstLook = useFirstLook();
  const before = laid ?? firstLook;
  const marked = useMemo(
    () => new Set([...(selected === undefined ? [] : [selected]), ...(near?.byVector ?? [])]),
    [selected, near],
  );
  const draw = useCallback(
    (brush: Brush) => {
      setSize([brush.width, brush.height]);
      if (view) drawMap(brush, view, marked);
      else if (before) drawPoints(brush, before);
      else brush.context.clearRect(0, 0, brush.width, brush.height);
    },
    [view, before, marked],
  );
  const find = (x: number, y: number): number | undefined => {
    if (!view) return undefined;
    const at = pointAt(view.points, frameOf(view.points, ...size), [x, y]);
    return at === undefined ? undefined : view.rows[at];
  };
  const label = view
    ? `Map of ${view.points.length / 2} points, ${view.title}: ${view.codewords.length / 2} codewords, ${view.counts.filter((count) => count === 0).length} of them without points.`
    : "Map of the data.";
  return (
    <section class="map" aria-labelledby="map-title">
      <h2 id="map-title">{view ? `Map: ${view.title}` : "Map"}</h2>
      <About guide="from-vq-to-rqvae.html#vector-quantization" topic="vector quantization">
        Each point is a row; rows of one colour share a code, and a codeword stands for them.
      </About>
      <MapChoices />
      <LayoutProgress />
      <div class="stage">
        <Canvas
          label={label}
          draw={draw}
          onPoint={(x, y, pressed) => {
            const row = find(x, y);
            setHovered(row === undefined ? undefined : { row, x, y });
            if (pressed) store.select(row);
          }}
          onLeave={() => setHovered(undefined)}
        />
        {hovered && dataset && (
          <span
            class="tip"
            style={{ left: `${hovered.x}px`, top: `${hovered.y}px` }}
            aria-hidden="true"
          >
            {labelOf(dataset, hovered.row)}
          </span>
        )}
      </div>
      {view && (
        <p class="note">
          {view.codewords.length > 0 &&
            "Codewords are ringed; hollow ones, dashed, stand for no row. "}
          {laid
            ? "UMAP keeps rows together that are near; how far apart it puts others says little."
            : view.exact
              ? "Lines bound the region of each codeword."
              : `The plane shows ${percent(view.explained)} of the variance.`}
        </p>
      )}
      {dataset && selected !== undefined && store.result.value && (
        <p>
          <b>{labelOf(dataset, selected)}</b>{" "}
          <button type="button" class="plain" onClick={showSelected}>
            its codes and neighbours
          </button>
        </p>
      )}
      {view && dataset && <Codewords view={view} dataset={dataset} />}
    </section>
  );
}

function showSelected(): void {
  const details = document.querySelector<HTMLElement>("#selected");
  details?.scrollIntoView({ behavior: stillness.matches ? "auto" : "smooth", block: "center" });
  details?.focus({ preventScroll: true });
}

/** The data on a plane before anything is trained. */
function useFirstLook(): Float32Array | undefined {
  const dataset = store.dataset.value;
  const [points, setPoints] = useState<Float32Array | undefined>();
  useEffect(() => {
    setPoints(undefined);
    if (!dataset) return;
    const rows = takeRows(dataset.rows, drawnRows(dataset.rows.rows));
    if (rows.cols === 2) {
      setPoints(rows.data);
      return;
    }
    const stop = new AbortController();
    mapToPlane(rows, stop.signal).then(
      (map) => setPoints(map.points),
      () => undefined,
    );
    return () => stop.abort();
  }, [dataset]);
  return points;
}
