import type * as workerThreads from "node:worker_threads";
import type { WorkerMessage, WorkerStart } from "./control.js";

/** A worker thread, alike in Node, Deno, Bun and browsers. */
export interface WorkerHandle {
  send(start: WorkerStart): void;
  onMessage(handler: (message: WorkerMessage) => void): void;
  /** Called once if the worker throws, or ends without having been told to. */
  onFailure(handler: (cause: unknown) => void): void;
  /** Keeps the process alive. */
  ref(): void;
  unref(): void;
  terminate(): void;
}

/** Starts a worker from the source of a classic script. */
export function startWorker(source: string): WorkerHandle {
  const node = nodeWorkers();
  return node ? startNodeWorker(node, source) : startWebWorker(source);
}

/** Node's module of threads, without an import that bundlers would have to resolve. */
function nodeWorkers(): typeof workerThreads | undefined {
  if (typeof process === "undefined" || process.versions?.node === undefined) return undefined;
  return process.getBuiltinModule?.("node:worker_threads");
}

function startNodeWorker({ Worker }: typeof workerThreads, source: string): WorkerHandle {
  // The flags of the process (loaders, --input-type) are not for this code.
  const worker = new Worker(source, { eval: true, execArgv: [], name: "tessera" });
  let stopped = false;
  return {
    send: (start) => worker.postMessage(start, []),
    onMessage: (handler) => void worker.on("message", handler),
    onFailure: (handler) => {
      worker.on("error", handler);
      worker.on("exit", (code) => {
        if (!stopped) handler(new Error(`the worker ended with code ${code}`));
      });
    },
    ref: () => worker.ref(),
    unref: () => worker.unref(),
    terminate: () => {
      stopped = true;
      void worker.terminate();
    },
  };
}

function startWebWorker(source: string): WorkerHandle {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "tessera" });
  let loaded = false;
  const release = (): void => {
    if (!loaded) URL.revokeObjectURL(url);
    loaded = true;
  };
  worker.addEventListener("message", release, { once: true });
  return {
    send: (start) => worker.postMessage(start, []),
    onMessage: (handler) =>
      worker.addEventListener("message", ({ data }) => handler(data as WorkerMessage)),
    onFailure: (handler) => {
      worker.addEventListener("error", (event) =>
        handler(new Error(event.message || "no reason given")),
      );
      worker.addEventListener("messageerror", () =>
        handler(new Error("a message could not be read")),
      );
    },
    // Pages outlive their workers anyway; Bun and Deno have these methods.
    ref: () => (worker as Partial<Pick<WorkerHandle, "ref">>).ref?.(),
    unref: () => (worker as Partial<Pick<WorkerHandle, "unref">>).unref?.(),
    terminate: () => {
      release();
      worker.terminate();
    },
  };
}
