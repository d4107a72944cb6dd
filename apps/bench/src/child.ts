import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Greeting, Reply, ResultFacts, Request, Task, Turn } from "./protocol.js";

/** How to start a contender's process. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly environment: NodeJS.ProcessEnv;
}

/** The contender said that it cannot do the task, as opposed to failing at it. */
export class UnsupportedError extends Error {}

interface Waiting {
  resolve(line: unknown): void;
  reject(reason: Error): void;
}

const STDERR_KEPT = 2000;

/** A contender's process. */
export class Child {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #waiting: Waiting | undefined;
  #failure: Error | undefined;
  #stderr = "";

  private constructor(launch: Launch, signal: AbortSignal) {
    this.#process = spawn(launch.command, launch.args, {
      env: launch.environment,
      stdio: ["pipe", "pipe", "pipe"],
      signal,
      killSignal: "SIGKILL",
    });
    const { stdin, stdout, stderr } = this.#process;
    // What a write to a process that has died says is less than its exit says.
    stdin!.on("error", () => undefined);
    stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    createInterface({ input: stdout! }).on("line", (line) => this.#receive(line));
    this.#ended = new Promise((resolve) => {
      this.#process.once("error", (error) => {
        this.#fail(new Error(`could not be started: ${error.message}`));
        resolve();
      });
      this.#process.once("close", (code, killedBy) => {
        const how = killedBy === null ? `with status ${code}` : `by ${killedBy}`;
        this.#fail(new Error([`the process ended ${how}`, complaint(this.#stderr)].join("; ")));
        resolve();
      });
    });
  }

  /** Starts a process and waits for its greeting. It is killed when `signal` fires. */
  static async start(
    launch: Launch,
    limitSeconds: number,
    signal: AbortSignal,
  ): Promise<{ child: Child; greeting: Greeting }> {
    const child = new Child(launch, signal);
    try {
      return { child, greeting: await child.#reply<Greeting>("start", limitSeconds) };
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  prepare(task: Task, limitSeconds: number): Promise<object> {
    return this.#ask({ op: "prepare", task }, limitSeconds);
  }

  run(seconds: number, limitSeconds: number): Promise<Turn> {
    return this.#ask<Turn>({ op: "run", seconds }, limitSeconds);
  }

  result(path: string, limitSeconds: number): Promise<ResultFacts> {
    return this.#ask({ op: "result", path }, limitSeconds);
  }

  /** Ends the process at once. */
  async stop(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }

  #ask<T>(request: Request, limitSeconds: number): Promise<T> {
    this.#process.stdin!.write(`${JSON.stringify(request)}\n`);
    return this.#reply<T>(request.op, limitSeconds);
  }

  async #reply<T>(what: string, limitSeconds: number): Promise<T> {
    if (this.#failure) throw this.#failure;
    let timer: NodeJS.Timeout | undefined;
    const line = new Promise<unknown>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      timer = setTimeout(
        () => reject(new Error(`${what} took more than ${limitSeconds} s`)),
        limitSeconds * 1000,
      );
    });
    try {
      const reply = (await line) as Reply<T>;
      if (reply.ok) return reply;
      throw new (reply.unsupported ? UnsupportedError : Error)(reply.error);
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }

  #receive(line: string): void {
    try {
      this.#waiting?.resolve(JSON.parse(line));
    } catch {
      this.#fail(new Error(`it said what is not JSON: ${line.slice(0, 200)}`));
    }
  }

  #fail(reason: Error): void {
    this.#failure ??= reason;
    this.#waiting?.reject(this.#failure);
  }
}

/** The line that says what went wrong: of a stack trace in JavaScript or Python, or the last one. */
function complaint(stderr: string): string {
  const lines = stderr.trimEnd().split("\n");
  return lines.findLast((line) => /^\w*(Error|Exception)\b/.test(line)) ?? lines.at(-1)!;
}
