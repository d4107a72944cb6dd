import { hashOf } from "../state/hash.js";
import { store } from "../state/store.js";
import { Failed, Status, TrainButtons } from "./run.js";
import { MapPanel } from "./map.js";

/** The map and the buttons alone, with a way to the whole page. */
export function Figure() {
  const settings = store.settings.value;
  return (
    <main class="figure">
      <h1 class="hidden">A quantizer to train</h1>
      <div class="buttons">
        <TrainButtons />
        <code>{settings.spec}</code>
        <a href={`#${hashOf({ ...settings, embed: "no" })}`} target="_top">
          open in the playground
        </a>
      </div>
      <Status />
      <Failed />
      <MapPanel />
    </main>
  );
}
