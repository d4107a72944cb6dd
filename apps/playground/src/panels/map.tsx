import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { mapToPlane } from "@tessera/transforms";
import { labelOf } from "../data/dataset.js";
import { drawnRows, takeRows } from "../engine/scatter.js";
import { store } from "../state/store.js";
import { type Brush, Canvas } from "../views/canvas.js";
import { drawMap, drawPoints } from "../views/draw-map.js";
import { frameOf, pointAt } from "../views/frame.js";
import { percent } from "../views/text.js";

export function MapPanel() {
  const view = store.view.value;
  const dataset = store.dataset.value;
  const selected = store.selected.value;
  const near = store.neighbours.value;
  const [hovered, setHovered] = useState<{ row: number; x: number; y: number } | undefined>();
  const [size, setSize] = useState<readonly [number, number]>([1, 1]);
  const before = useFirstLook();
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
      <Levels />
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
          Points have the colour of their code; codewords are ringed, hollow where no point has
          them.
          {view.exact
            ? " Lines bound the region of each codeword."
            : ` The plane shows ${percent(view.explained)} of the variance.`}
        </p>
      )}
    </section>
  );
}

/** Which codebook is looked at. */
function Levels() {
  const result = store.result.value;
  const { level } = store.settings.value;
  if (!result) return null;
  const count = Math.max(
    result.terms.length,
    result.terms.length === 0 ? result.cardinalities.length : 0,
  );
  if (count < 2) return null;
  const shown = Math.min(count, 16);
  return (
    <div class="choices" role="group" aria-label="Codebook shown">
      <span class="note">codebook</span>
      {Array.from({ length: shown }, (_, l) => (
        <button type="button" aria-pressed={level === l} onClick={() => store.showLevel(l)}>
          {l + 1}
        </button>
      ))}
      {result.terms.length > 1 && (
        <button type="button" aria-pressed={level >= count} onClick={() => store.showLevel(count)}>
          all
        </button>
      )}
      {count > shown && <span class="note">of {count}</span>}
    </div>
  );
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
