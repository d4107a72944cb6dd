import { CurvesPanel } from "./panels/curves.js";
import { DataPanel } from "./panels/data.js";
import { DistortionPanel } from "./panels/distortion.js";
import { MapPanel } from "./panels/map.js";
import { ModelPanel } from "./panels/model.js";
import { PicturesPanel } from "./panels/pictures.js";
import { RunPanel } from "./panels/run.js";
import { TakeAwayPanel } from "./panels/take-away.js";
import { TreePanel } from "./panels/tree.js";
import { UsagePanel } from "./panels/usage.js";
import { Figure } from "./panels/figure.js";
import { guides } from "./state/guides.js";
import { store } from "./state/store.js";

export function App() {
  if (store.settings.value.embed === "yes") return <Figure />;
  return (
    <>
      <header class="top">
        <h1>
          Tessera <span>playground</span>
        </h1>
        <p>
          Train a quantizer here, in your browser, and look at the codes that it gives. Nothing is
          sent anywhere.
          {guides && (
            <>
              {" "}
              <a href={new URL("first-ids.html", guides).href}>To the guides</a>
            </>
          )}
        </p>
      </header>
      <main>
        <div class="controls">
          <DataPanel />
          <ModelPanel />
          <RunPanel />
        </div>
        <div class="views">
          <MapPanel />
          <div class="pair">
            <CurvesPanel />
            <UsagePanel />
          </div>
          <PicturesPanel />
          <TreePanel />
          <div class="pair">
            <DistortionPanel />
            <TakeAwayPanel />
          </div>
        </div>
      </main>
    </>
  );
}
