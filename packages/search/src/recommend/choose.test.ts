import { describe, expect, it } from "vitest";
import { choose, closest, paretoFront, type Target } from "./choose.js";
import type { Trial } from "./measure.js";

const trial = (spec: string, bytes: number, reached: number, queries = 100): Trial => ({
  spec,
  bytesPerVector: bytes,
  modelBytes: 0,
  recall: { 10: reached },
  reached,
  distortion: 0,
  relativeDistortion: 0,
  fitSeconds: 0,
  encodedPerSecond: 1,
  queriesPerSecond: queries,
});
const asked = (target: Partial<Target>): Target => ({
  bytes: undefined,
  recall: undefined,
  ...target,
});
const trials = [
  trial("large", 64, 0.95),
  trial("small", 8, 0.4),
  trial("bad", 16, 0.3),
  trial("medium", 16, 0.8),
  trial("slow", 16, 0.85, 10),
];
const names = (found: Iterable<Trial>) => [...found].map(({ spec }) => spec);

describe("choose", () => {
  it("takes what finds most within the bytes", () => {
    expect(choose(trials, asked({ bytes: 16 }))?.spec).toBe("slow");
    expect(choose(trials, asked({ bytes: 15 }))?.spec).toBe("small");
    expect(choose(trials, asked({ bytes: 100 }))?.spec).toBe("large");
    const equal = [trial("more", 9, 0.5), trial("less", 8, 0.5), trial("later", 8, 0.5)];
    expect(choose(equal, asked({ bytes: 9 }))?.spec).toBe("less");
  });

  it("takes the smallest that finds enough, and of equals none that is clearly slower", () => {
    expect(choose(trials, asked({ recall: 0.8 }))?.spec).toBe("medium");
    expect(choose(trials, asked({ recall: 0.85 }))?.spec).toBe("slow");
    expect(choose(trials, asked({ recall: 0.9 }))?.spec).toBe("large");
    expect(choose(trials, asked({ recall: 0.2, bytes: 16 }))?.spec).toBe("small");
    const close = [trial("a", 8, 0.5, 120), trial("b", 8, 0.6, 100)];
    expect(choose(close, asked({ recall: 0.5 }))?.spec).toBe("b");
  });

  it("takes nothing that misses the target, and knows what comes closest", () => {
    const out = asked({ bytes: 16, recall: 0.9 });
    expect(choose(trials, out)).toBeUndefined();
    expect(closest(trials, out)?.spec).toBe("slow");
    expect(closest(trials, asked({ bytes: 2 }))?.spec).toBe("large");
    expect(closest([], out)).toBeUndefined();
  });
});

describe("paretoFront", () => {
  it("is what nothing beats, equals included", () => {
    const twin = trial("twin", 8, 0.4);
    expect(names(paretoFront([...trials, twin]))).toEqual(["large", "small", "slow", "twin"]);
  });
});
