import type { Matrix } from "@tessera/core";
import type { Answer, Reply, Request, RunOptions } from "./protocol.js";

/** A worker, as the page sees it: one run, or layout, at a time; answers of an older one are dropped. */
export class EngineClient {
  readonly #onAnswer: (answer: Answer) => void;
  #worker: Worker | undefined;
  /** Whether the worker is at something that it does not leave at a word. */
  #busy = false;
  #run = 0;

  constructor(onAnswer: (answer: Answer) => void) {
    this.#onAnswer = onAnswer;
  }

  start(options: RunOptions, paused: boolean): void {
    this.#run++;
    this.#busy = true;
    this.#post({ kind: "start", run: this.#run, options, paused });
  }

  layOut(rows: Matrix): void {
    this.#run++;
    this.#busy = true;
    this.#post({ kind: "layOut", run: this.#run, rows });
  }

  tell(kind: "pause" | "resume" | "step" | "stop"): void {
    this.#post({ kind, run: this.#run });
  }

  ask(question: Question): void {
    this.#post({ ...question, run: this.#run });
  }

  /** Ends what is under way at once, whatever it is. A worker at rest stays, and its backend with all that it has compiled. */
  reset(): void {
    this.#run++;
    if (this.#busy) this.#close();
  }

  #close(): void {
    this.#busy = false;
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  #post(request: Request): void {
    this.#worker ??= this.#open();
    this.#worker.postMessage(request, { transfer: [] });
  }

  #open(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
      if (data.run !== this.#run) return;
      if (data.kind === "done") this.#busy = false;
      // A worker whose run failed may be broken, and is not used again.
      if (data.kind === "failed" && this.#busy) this.#close();
      this.#onAnswer(data);
    });
    worker.addEventListener("error", ({ message }) => {
      this.#close();
      this.#onAnswer({
        kind: "failed",
        failure: {
          message: `the worker stopped: ${message || "it could not be loaded"}`,
          hint: "reload the page",
        },
      });
    });
    return worker;
  }
}

export type Question =
  | { readonly kind: "view"; readonly term: number }
  | { readonly kind: "decode"; readonly columns: number; readonly row: number }
  | { readonly kind: "neighbours"; readonly row: number };
