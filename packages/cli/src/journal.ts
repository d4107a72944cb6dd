import { appendFile, readFile, truncate, writeFile } from "node:fs/promises";
import { TesseraError } from "@tessera/core";
import type { TrainingEvent } from "@tessera/rqvae";
import { type LoggedEvent, parseLog } from "./training-report/record.js";

/** Lines that may wait to be written. */
const MOST_WAITING = 64;

/** The events of a training run as they come: kept for a report, and a line each in a file. */
export class Journal {
  readonly #path: string | undefined;
  readonly #startedAt = performance.now();
  readonly events: LoggedEvent[];
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string | undefined, events: LoggedEvent[]) {
    this.#path = path;
    this.events = events;
  }

  /**
   * @param path where to write; without it events are only kept
   * @param goesOn whether the run goes on, and so its file
   */
  static async open(path: string | undefined, goesOn: boolean): Promise<Journal> {
    if (path === undefined) return new Journal(path, []);
    if (goesOn) return new Journal(path, eventsOf(await wholeLines(path)));
    await writeFile(path, "");
    return new Journal(path, []);
  }

  readonly write = (event: TrainingEvent): void => {
    const seconds = Math.round(performance.now() - this.#startedAt) / 1000;
    const logged = { ...event, seconds };
    this.events.push(logged);
    if (this.#path === undefined) return;
    this.#waiting.push(`${JSON.stringify(logged)}\n`);
    // A failure comes out at the next flush.
    if (this.#waiting.length >= MOST_WAITING) void this.flush().catch(() => undefined);
  };

  /** Resolves once all events so far are in the file. */
  flush(): Promise<void> {
    const path = this.#path;
    const text = this.#waiting.join("");
    this.#waiting = [];
    if (path !== undefined && text !== "") {
      this.#writing = this.#writing.then(() => appendFile(path, text));
    }
    return this.#writing;
  }
}

/** The lines of a file, which loses one that a run that was killed left unfinished. */
async function wholeLines(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    const end = bytes.lastIndexOf("\n") + 1;
    if (end < bytes.length) await truncate(path, end);
    return bytes.toString("utf8", 0, end);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** A log that something else was written to is gone on with, but not reported. */
function eventsOf(text: string): LoggedEvent[] {
  try {
    return parseLog(text);
  } catch (error) {
    if (error instanceof TesseraError) return [];
    throw error;
  }
}
