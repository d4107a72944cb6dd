/** The code of a worker thread, bundled into a string by scripts/embed.mjs. */
import { COMMAND_BYTES, NO_FAULT, RING_COMMANDS, RING_START, WORD } from "./command.js";
import { CONTROL, type WorkerMessage, type WorkerStart } from "./control.js";
import { Runner } from "./runner.js";

/** Looks at a shared word before sleeping: some ten microseconds, about what waking costs. */
const SPINS = 2000;

interface Port {
  post(message: WorkerMessage): void;
  onStart(handler: (start: WorkerStart) => void): void;
}

function openPort(): Port {
  if (typeof process !== "undefined" && process.getBuiltinModule !== undefined) {
    const port = process.getBuiltinModule("node:worker_threads").parentPort;
    if (port) {
      return {
        post: (message) => port.postMessage(message),
        onStart: (handler) => port.once("message", handler),
      };
    }
  }
  return {
    post: (message) => globalThis.postMessage(message, { transfer: [] }),
    onStart: (handler) =>
      globalThis.addEventListener("message", (event) => handler(event.data as WorkerStart), {
        once: true,
      }),
  };
}

/** Waits until a word is no longer `value`; `sleeping` counts those who must be woken. */
function waitWhile(control: Int32Array, word: number, value: number, sleeping: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.load(control, word) !== value) return;
  }
  Atomics.add(control, sleeping, 1);
  while (Atomics.load(control, word) === value) Atomics.wait(control, word, value);
  Atomics.sub(control, sleeping, 1);
}

/** Does blocks of a job until none is left. */
function work(runner: Runner, control: Int32Array, command: number): void {
  const blocks = runner.blocks(command);
  for (;;) {
    const block = Atomics.add(control, CONTROL.nextBlock, 1);
    if (block >= blocks) return;
    const fault = runner.runBlock(command, block);
    let lowest = Atomics.load(control, CONTROL.fault);
    while (fault < lowest >>> 0) {
      const found = Atomics.compareExchange(control, CONTROL.fault, lowest, fault | 0);
      if (found === lowest) break;
      lowest = found;
    }
  }
}

/** Runs the commands of the ring in order, for ever. */
function lead(runner: Runner, control: Int32Array, port: Port): never {
  let completed = 0;
  for (;;) {
    waitWhile(control, CONTROL.published, completed, CONTROL.leaderSleeps);
    const command = RING_START + ((completed >>> 0) % RING_COMMANDS) * COMMAND_BYTES;
    const notify = runner.word(command, WORD.notify) !== 0;
    if (runner.blocks(command) <= 1) runner.run(command);
    else share(runner, control, command);
    completed = (completed + 1) | 0;
    Atomics.store(control, CONTROL.completed, completed);
    if (notify) port.post("progress");
  }
}

function share(runner: Runner, control: Int32Array, command: number): void {
  Atomics.store(control, CONTROL.nextBlock, 0);
  Atomics.store(control, CONTROL.fault, NO_FAULT | 0);
  Atomics.store(control, CONTROL.open, command);
  Atomics.add(control, CONTROL.jobs, 1);
  if (Atomics.load(control, CONTROL.sleepers) > 0) Atomics.notify(control, CONTROL.jobs);
  work(runner, control, command);
  Atomics.store(control, CONTROL.open, 0);
  for (let inside; (inside = Atomics.load(control, CONTROL.inside)) !== 0;) {
    waitWhile(control, CONTROL.inside, inside, CONTROL.leaderWaits);
  }
  runner.settle(command, Atomics.load(control, CONTROL.fault) >>> 0);
}

/** Joins one job after another, for ever. */
function follow(runner: Runner, control: Int32Array): never {
  let seen = 0;
  for (;;) {
    waitWhile(control, CONTROL.jobs, seen, CONTROL.sleepers);
    seen = Atomics.load(control, CONTROL.jobs);
    // Being inside keeps the leader from opening the next job, so what is open now stays so.
    Atomics.add(control, CONTROL.inside, 1);
    const command = Atomics.load(control, CONTROL.open);
    if (command !== 0) work(runner, control, command);
    Atomics.sub(control, CONTROL.inside, 1);
    if (Atomics.load(control, CONTROL.leaderWaits) > 0) Atomics.notify(control, CONTROL.inside);
  }
}

const port = openPort();
port.onStart(({ module, memory, control, thread }) => {
  const runner = new Runner(module, memory, thread);
  port.post("ready");
  if (thread === 0) lead(runner, control, port);
  else follow(runner, control);
});
