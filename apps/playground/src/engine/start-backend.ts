import { pickBackend } from "@tessera/backend";
import type { CompleteBackend } from "@tessera/core";
import type { BackendChoice } from "../state/settings.js";

const started = new Map<BackendChoice, Promise<CompleteBackend>>();

/**
 * A backend that can train: on a GPU where it is wanted and there is one, else in wasm. Each is started once, so that later
 * runs find its programs compiled.
 */
export function startBackend(choice: BackendChoice): Promise<CompleteBackend> {
  let backend = started.get(choice);
  if (!backend) {
    backend = start(choice);
    started.set(choice, backend);
  }
  return backend;
}

function start(choice: BackendChoice): Promise<CompleteBackend> {
  switch (choice) {
    case "auto":
      return pickBackend({ name: ["webgpu", "cpu"] });
    case "webgpu":
      return pickBackend({ name: "webgpu" });
    case "wasm":
      return pickBackend({ name: "cpu" });
    case "wasm-1":
      return pickBackend({ name: "cpu", threads: 1 });
  }
}
