import { BackendError } from "@tessera/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HEAP_START } from "./command.js";
import { Heap } from "./heap.js";
import { WasmMemory } from "./memory.js";

const PAGE = 65536;

function memory(pages: number): WasmMemory {
  const initial = Math.ceil(HEAP_START / PAGE);
  return new WasmMemory(new WebAssembly.Memory({ initial, maximum: pages }), pages * PAGE);
}

describe("Heap", () => {
  it("never gives out bytes that are in use, or, for uploads, that a command may still use", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("output"), bytes: fc.integer({ min: 1, max: 400_000 }) }),
      fc.record({ kind: fc.constant("upload"), bytes: fc.integer({ min: 1, max: 400_000 }) }),
      fc.record({ kind: fc.constant("free"), pick: fc.nat() }),
      fc.record({ kind: fc.constant("complete") }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const heap = new Heap(memory(4096));
        const live: { address: number; bytes: number }[] = [];
        const freed: { address: number; bytes: number; at: number }[] = [];
        let enqueued = 0;
        let completed = 0;
        for (const s of steps as { kind: string; bytes: number; pick: number }[]) {
          if (s.kind === "complete") completed = enqueued;
          else if (s.kind === "free") {
            if (live.length === 0) continue;
            const [block] = live.splice(s.pick % live.length, 1);
            enqueued++;
            heap.free(block!.address, block!.bytes, enqueued);
            freed.push({ ...block!, at: enqueued });
          } else {
            const idleAt = s.kind === "upload" ? completed : undefined;
            const address = heap.allocate(s.bytes, idleAt);
            const overlaps = (b: { address: number; bytes: number }): boolean =>
              address < b.address + b.bytes && b.address < address + s.bytes;
            expect(address % 64).toBe(0);
            expect(address).toBeGreaterThanOrEqual(HEAP_START);
            expect(live.some(overlaps)).toBe(false);
            if (idleAt !== undefined) {
              expect(freed.some((b) => b.at > idleAt && overlaps(b))).toBe(false);
            }
            live.push({ address, bytes: s.bytes });
          }
        }
        for (const block of live) heap.free(block.address, block.bytes, enqueued);
        expect(heap.used).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("reuses freed blocks instead of growing", () => {
    const own = memory(4096);
    const heap = new Heap(own);
    for (let round = 0; round < 1000; round++) {
      const block = heap.allocate(1_000_000);
      heap.free(block, 1_000_000, round);
    }
    expect(own.end).toBeLessThan(4_000_000);
  });

  it("joins neighbours for a block larger than each", () => {
    const heap = new Heap(memory(4096));
    const first = heap.allocate(64_000);
    const second = heap.allocate(64_000);
    heap.allocate(64);
    heap.free(first, 64_000, 1);
    heap.free(second, 64_000, 2);
    expect(heap.allocate(128_000, 2)).toBe(first);
  });

  it("says how much could not be allocated, and works on", () => {
    const heap = new Heap(memory(64));
    expect(() => heap.allocate(64 * PAGE)).toThrow(BackendError);
    expect(() => heap.allocate(64 * PAGE)).toThrow(/could not allocate 4194304 bytes/);
    expect(heap.allocate(PAGE)).toBe(HEAP_START);
  });
});
