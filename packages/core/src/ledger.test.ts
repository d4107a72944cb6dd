import { describe, expect, it } from "vitest";
import { ArgumentError } from "./errors.js";
import { expectNoLeaks, TensorLedger } from "./ledger.js";
import { disposeSymbol, type Tensor } from "./tensor.js";

function bench() {
  const ledger = new TensorLedger();
  const make = (bytes = 4): Tensor => {
    let disposed = false;
    const tensor: Tensor = {
      dtype: "float32",
      shape: [bytes / 4],
      size: bytes / 4,
      get disposed() {
        return disposed;
      },
      read: async () => new Float32Array(bytes / 4),
      dispose() {
        disposed = true;
        ledger.remove(tensor);
      },
      [disposeSymbol]() {
        tensor.dispose();
      },
    };
    ledger.add(tensor, bytes);
    return tensor;
  };
  return { ledger, make };
}

describe("TensorLedger", () => {
  it("frees what a scope made and did not return, through arrays and objects", () => {
    const { ledger, make } = bench();
    const kept = ledger.scope(() => {
      make();
      return { a: make(8), list: [make(), 3] };
    });
    expect(ledger.memory()).toEqual({ tensors: 2, bytes: 12 });
    expect(kept.a.disposed).toBe(false);
  });

  it("hands what leaves an inner scope to the outer one", () => {
    const { ledger, make } = bench();
    ledger.scope(() => {
      const inner = ledger.scope(() => make());
      expect(inner.disposed).toBe(false);
      expect(ledger.memory().tensors).toBe(1);
    });
    expect(ledger.memory().tensors).toBe(0);
  });

  it("frees everything when the body throws, or is async", () => {
    const { ledger, make } = bench();
    expect(() =>
      ledger.scope(() => {
        make();
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(() => ledger.scope(async () => make())).toThrow(ArgumentError);
    expect(ledger.memory()).toEqual({ tensors: 0, bytes: 0 });
  });

  it("lets a test see a leak", async () => {
    const { ledger, make } = bench();
    await expect(expectNoLeaks(ledger, () => make(400))).rejects.toThrow(
      "1 tensors (400 bytes) were leaked",
    );
    await expect(expectNoLeaks(ledger, () => make().dispose())).resolves.toBeUndefined();
  });
});
