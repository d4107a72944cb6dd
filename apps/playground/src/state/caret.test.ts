import { describe, expect, it } from "vitest";
import { caretOf } from "./caret.js";

const long = "center>pca32>vq256+vq256+vqq256+vq256+vq256";

describe("the caret", () => {
  it("stands under a short expression", () => {
    expect(caretOf("vq8+vqq4", 4, 8)).toBe("    ^^^^");
    expect(caretOf("vq8+", 4, 4)).toBe("    ^");
  });

  it("stands under a part of a long one, which is repeated", () => {
    const [text, marks] = caretOf(long, 25, 31).split("\n");
    expect(text!.slice(marks!.indexOf("^"), marks!.lastIndexOf("^") + 1)).toBe("vqq256");
    expect(text).toMatch(/^….*…$/);
    expect(text!.length).toBeLessThanOrEqual(30);
  });

  it("stays within what is shown, at either end", () => {
    for (const [start, end] of [
      [0, long.length],
      [long.length, long.length],
    ] as const) {
      const [text, marks] = caretOf(long, start, end).split("\n");
      expect(marks!.length).toBeLessThanOrEqual(text!.length + 1);
      expect(marks).toContain("^");
    }
  });
});
