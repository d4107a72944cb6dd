/**
 * The ceiling over kernels that are bound by arithmetic: how many multiply-adds this host's WebAssembly does when nothing
 * else is to be done, measured on a loop whose operands never leave the registers.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Task } from "../protocol.js";
import { job, type Job, numberOf } from "./serve.js";

const ACCUMULATORS = 12;

/** Floating-point operations of a loop. */
export function multiplyAddOperations(iterations: number): number {
  return 2 * 4 * ACCUMULATORS * iterations;
}

/** The loop on as many threads as the task says. */
export async function multiplyAdd(task: Task, relaxed: boolean): Promise<Job> {
  const module = await WebAssembly.compile(loopModule(relaxed));
  const workers = Array.from(
    { length: numberOf(task, "threads") },
    () => new Worker(WORKER, { eval: true, workerData: module }),
  );
  const iterations = numberOf(task, "iterations");
  return job({
    run: async () => {
      const done = workers.map((worker) => once(worker, "message"));
      for (const worker of workers) worker.postMessage(iterations, []);
      await Promise.all(done);
    },
    result: () => ({ data: new Float32Array(0), shape: [0, 1] }),
  });
}

const WORKER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { loop } = new WebAssembly.Instance(workerData).exports;
  parentPort.on("message", (iterations) => parentPort.postMessage(loop(iterations)));
`;

/** A module whose `loop(n)` does `aᵢ ← aᵢ · f + g` on all accumulators n times. */
function loopModule(relaxed: boolean): Uint8Array<ArrayBuffer> {
  const [n, factor, addend, first] = [0, 1, 2, 3];
  const get = (local: number): number[] => [0x20, local];
  const set = (local: number): number[] => [0x21, local];
  const splat = (...bits: number[]): number[] => [0x43, ...bits, 0xfd, 0x13];
  const multiply = [0xfd, 0xe6, 0x01];
  const add = [0xfd, 0xe4, 0x01];
  const relaxedMadd = [0xfd, 0x85, 0x02];
  const sums = Array.from({ length: ACCUMULATORS }, (_, i) => first + i);
  const body = [
    // No lists of locals but one: the factor, the addend and the accumulators, all vectors.
    [1, 2 + ACCUMULATORS, 0x7b],
    // 0.5 and 1 keep every value normal.
    [splat(0, 0, 0, 0x3f), set(factor), splat(0, 0, 0x80, 0x3f), set(addend)].flat(),
    [0x03, 0x40],
    sums.flatMap((sum) =>
      relaxed
        ? [get(sum), get(factor), get(addend), relaxedMadd, set(sum)].flat()
        : [get(sum), get(factor), multiply, get(addend), add, set(sum)].flat(),
    ),
    // n ← n − 1; again while it is not 0.
    [get(n), [0x41, 1, 0x6b, 0x22, n, 0x0d, 0, 0x0b]].flat(),
    // The sum of all, of which lane 0 is returned.
    sums.flatMap((sum, i) => (i === 0 ? get(sum) : [get(sum), add].flat())),
    [0xfd, 0x1f, 0, 0x0b],
  ].flat();
  const section = (id: number, bytes: number[]): number[] => [id, ...leb(bytes.length), ...bytes];
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const name = [4, ...new TextEncoder().encode("loop")];
  return new Uint8Array([
    ...magic,
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name, 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

/** An unsigned LEB128 number. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
