/** A contender's side of protocol.ts, for contenders in JavaScript. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { NpyData } from "@tessera/io";
import { openVectors, writeNpy } from "@tessera/io/node";
import type { Matrix } from "@tessera/core";
import type { CodeFacts, Greeting, Request, Task } from "../protocol.js";

/** A task made ready. */
export interface Job<T = unknown> {
  /** What is timed. */
  run(): Promise<T> | T;
  /** What to write of the last run. */
  result(last: T): Promise<NpyArray> | NpyArray;
}

export interface NpyArray {
  readonly data: NpyData;
  readonly shape: readonly number[];
  /** Of an index that was searched. */
  readonly bytesPerVector?: number;
  /** Of a model that names rows. */
  readonly codes?: CodeFacts;
}

/** How to make each kind of task ready. */
export type Kinds = Readonly<Record<string, (task: Task) => Promise<Job> | Job>>;

/** A job whose parts agree on what a run gives. */
export function job<T>(parts: Job<T>): Job {
  return parts as Job;
}

/** Greets, and answers requests until stdin ends. */
export async function serve(greeting: Omit<Greeting, "startBytes">, kinds: Kinds): Promise<void> {
  let current: Job | undefined;
  let last: unknown;
  say({ ok: true, ...greeting, startBytes: peakBytes() });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    try {
      if (request.op === "prepare") {
        const make = kinds[request.task.kind];
        if (make === undefined) {
          say({ ok: false, unsupported: true, error: `it has no ${request.task.kind}` });
          continue;
        }
        current = await make(request.task);
        say({ ok: true });
      } else if (current === undefined) {
        throw new Error(`${request.op} before prepare`);
      } else if (request.op === "run") {
        const seconds: number[] = [];
        const end = performance.now() + request.seconds * 1000;
        do {
          last = undefined;
          const start = performance.now();
          last = await current.run();
          seconds.push((performance.now() - start) / 1000);
        } while (performance.now() < end);
        say({ ok: true, seconds, peakBytes: peakBytes() });
      } else {
        const { data, shape, bytesPerVector, codes } = await current.result(last);
        await writeNpy(request.path, data, shape);
        say({ ok: true, bytesPerVector, codes });
      }
    } catch (error) {
      say({ ok: false, error: error instanceof Error ? error.message : `${error}` });
    }
  }
  process.exit();
}

/** Reads a `.npy` file of a matrix. */
export async function readMatrix(path: string | undefined): Promise<Matrix> {
  if (path === undefined) throw new Error("the task names no such file");
  const file = await openVectors(path);
  try {
    const { data, rows, cols } = await file.readAll();
    return { data, rows, cols };
  } finally {
    await file.close();
  }
}

export function numberOf(task: Task, name: string): number {
  const value = task.parameters[name];
  if (typeof value !== "number") throw new Error(`the task has no number "${name}"`);
  return value;
}

/** The version of a package that the bench installed beside the peers' drivers. */
export function installedVersion(name: string): string {
  const manifest = new URL(`../../peers/node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

/** Threads that every contender is given. */
export function givenThreads(): number {
  return Number(process.env["TESSERA_BENCH_THREADS"] ?? 1);
}

function say(reply: object): void {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

/** Linux says it in VmHWM; the maximum that getrusage gives includes the parent's there. */
function peakBytes(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const kilobytes = /VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}
