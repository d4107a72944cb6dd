import { pickBackend } from "@tessera/backend";
import type { CompleteBackend } from "@tessera/core";
import type { BackendChoice } from "../state/settings.js";

/** A backend that can train: on a GPU where it is wanted and there is one, else in wasm. */
export async function startBackend(choice: BackendChoice): Promise<CompleteBackend> {
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
