import { describe, expect, it } from "vitest";
import { Gate } from "./gate.js";

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe("Gate", () => {
  it("holds work while it is paused, and lets single steps through", async () => {
    let waits = 0;
    const gate = new Gate(true, () => waits++);
    let passed = 0;
    const work = (async () => {
      for (;;) {
        await gate.pass();
        passed++;
        if (passed === 6) return;
      }
    })();
    await turn();
    expect([passed, waits]).toEqual([0, 1]);
    gate.step();
    await turn();
    expect(passed).toBe(1);
    gate.step();
    gate.step();
    await turn();
    expect(passed).toBe(3);
    gate.resume();
    await work;
    expect(passed).toBe(6);
    expect(gate.waited).toBeGreaterThan(0);
  });

  it("ends work that waits, or comes by later, with an error", async () => {
    const gate = new Gate(true, () => undefined);
    const waiting = gate.pass();
    gate.stop();
    await expect(waiting).rejects.toThrow("aborted");
    await expect(gate.pass()).rejects.toThrow("aborted");
  });
});
