import type { Layout } from "../engine/umap.js";
import { layouts } from "../state/layout.js";
import { MAPS } from "../state/settings.js";
import { store } from "../state/store.js";

const MOST_SHOWN = 16;

/** Which codebook is looked at, and how the rows are laid out. */
export function MapChoices() {
  return (
    <div class="map-choices">
      <Levels />
      <Kinds />
    </div>
  );
}

function Levels() {
  const result = store.result.value;
  const { level } = store.settings.value;
  if (!result) return null;
  const count = result.terms.length || result.cardinalities.length;
  if (count < 2) return null;
  const shown = Math.min(count, MOST_SHOWN);
  return (
    <div class="choices" role="group" aria-labelledby="levels-title">
      <span class="note" id="levels-title">
        codebook
      </span>
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

function Kinds() {
  const { map } = store.settings.value;
  if (!layouts.possible.value) return null;
  return (
    <div class="choices" role="group" aria-labelledby="kinds-title">
      <span class="note" id="kinds-title">
        laid out by
      </span>
      {MAPS.map((kind) => (
        <button
          type="button"
          id={`map-${kind}`}
          aria-pressed={map === kind}
          onClick={() => store.change({ map: kind })}
        >
          {kind.toUpperCase()}
        </button>
      ))}
    </div>
  );
}

/** How far a layout by UMAP is; PCA is a press away, and ends it. */
export function LayoutProgress() {
  const failure = layouts.failure.value;
  const layout = layouts.current.value;
  const wanted = layouts.wanted.value !== undefined;
  const finished = layout !== undefined && layout.done === layout.total;
  return (
    <>
      <p class="hidden" role="status">
        {wanted && !failure && (finished ? "Laid out by UMAP." : "Laying rows out by UMAP…")}
      </p>
      {wanted && failure && (
        <p class="error" role="alert">
          {failure.message}
          {failure.hint && <small>{failure.hint}</small>}
        </p>
      )}
      {wanted && !failure && !finished && <Bar layout={layout} />}
    </>
  );
}

function Bar({ layout }: { readonly layout: Layout | undefined }) {
  return (
    <div class="layout">
      <progress value={layout?.done} max={layout?.total} aria-label="UMAP" />
      <button
        type="button"
        onClick={() => {
          store.change({ map: "pca" });
          // This button goes; the focus should not go with it.
          document.querySelector<HTMLElement>("#map-pca")?.focus();
        }}
      >
        Cancel
      </button>
    </div>
  );
}
