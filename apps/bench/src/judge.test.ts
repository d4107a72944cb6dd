import { matrix, Random } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { codebookDistortion, codesDistortion, decodedDistortion, wrongSigns } from "./judge.js";

const rows = matrix([
  [0, 0],
  [3, 4],
  [1, 1],
]);

describe("the judge", () => {
  it("takes codes at their word", () => {
    const codebook = matrix([
      [0, 0],
      [3, 4],
    ]);
    expect(codesDistortion(rows, codebook, [0, 1, 0])).toBeCloseTo(2 / 3, 12);
    expect(codesDistortion(rows, codebook, [1, 1, 0])).toBeCloseTo(27 / 3, 12);
  });

  it("finds the nearest codewords itself where it is given a codebook", async () => {
    const random = new Random(5);
    const points = matrix(
      Float32Array.from({ length: 200 * 6 }, () => random.normal()),
      6,
    );
    const codebook = matrix(points.data.slice(0, 17 * 6), 6);
    let sum = 0;
    for (let i = 0; i < 200; i++) {
      const distances = Array.from({ length: 17 }, (_, k) => {
        let distance = 0;
        for (let j = 0; j < 6; j++) {
          distance += (points.data[i * 6 + j]! - codebook.data[k * 6 + j]!) ** 2;
        }
        return distance;
      });
      sum += Math.min(...distances);
    }
    expect(await codebookDistortion(points, codebook)).toBeCloseTo(sum / 200, 9);
  });

  it("compares as many decoded rows as came back", () => {
    expect(decodedDistortion(rows, matrix([[0, 2]]))).toBe(4);
    expect(decodedDistortion(rows, rows)).toBe(0);
    expect(() => decodedDistortion(matrix([[1, 1]]), rows)).toThrow("3 rows came back of 1");
  });

  it("counts wrong signs, the lowest bit first", () => {
    const signs = matrix([[1, -1, 2, 0, -3, -4, -5, 6, 7]]);
    expect(wrongSigns(signs, Uint8Array.of(0b1000_0101, 1))).toBe(0);
    expect(wrongSigns(signs, Uint8Array.of(0b1000_0100, 1))).toBeCloseTo(1 / 9, 12);
  });
});
