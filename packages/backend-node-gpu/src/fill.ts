import { BackendError, TesseraError } from "@tessera/core";
import type { Engine, Node } from "./engine.js";
import type { Workspace } from "./kernels/workspace.js";
import type { EagerTensor } from "./tensor.js";

/**
 * Runs a kernel: `body` makes a node for each output, new or written in place. If it throws what is wrong with the data, or
 * an input is at fault already, the outputs are.
 */
export function fill(
  { engine }: Workspace,
  outputs: readonly EagerTensor[],
  body: () => readonly Node[],
): void {
  const outcome = attempt(engine, body);
  outputs.forEach(({ storage, start }, i) => {
    if (outcome instanceof Error) storage.spoil(outcome);
    else storage.write(start, outcome[i]!);
  });
}

/** What `body` computes, or what is wrong with the data. Other errors pass. */
function attempt(engine: Engine, body: () => readonly Node[]): readonly Node[] | TesseraError {
  try {
    return engine.frame(() => body().map((node) => engine.owned(node)));
  } catch (error) {
    if (!(error instanceof TesseraError) || error instanceof BackendError) throw error;
    return error;
  }
}
