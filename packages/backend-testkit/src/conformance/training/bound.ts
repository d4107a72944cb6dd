import { activationTolerance, ShapeError } from "@tessera/core";
import { referenceBoundGradient } from "../../reference/training/bound.js";
import { expectRefused } from "../arguments.js";
import { expectClose, readAs } from "../assertions.js";
import type { CaseDefinition } from "../case.js";
import { floats } from "../problems.js";
import { normals, optionCase } from "./problem.js";

export const boundCases: readonly CaseDefinition[] = [
  optionCase(["boundGradient"], "boundGradient: near and far from 0", async (backend, settings) => {
    for (const [rows, columns] of [
      [0, 3],
      [1, 1],
      [33, 5],
      [64, 16],
      [9, 517],
    ] as const) {
      const z = normals(rows * columns, 261).map((value, i) => value * [1, 10, 60, 1e4][i % 4]!);
      const gradient = normals(rows * columns, 262);
      const [shift, slope] = [normals(columns, 263), normals(columns, 264)];
      const shape = [rows, columns];
      const found = backend.boundGradient(
        floats(backend, z, shape),
        floats(backend, gradient, shape),
        { shift: floats(backend, shift), slope: floats(backend, slope) },
      );
      const exact = referenceBoundGradient(z, gradient, shift, slope);
      const bound = (i: number): number => {
        const column = i % columns;
        const size = Math.abs(gradient[i]! * slope[column]!);
        return (
          size * Math.min(activationTolerance(z[i]! + shift[column]!), 2 ** -18) + settings.smallest
        );
      };
      const values = await readAs(found, "float32", shape, "boundGradient");
      expectClose(values, exact, bound, shape, "boundGradient");
    }
    const z = floats(backend, new Float32Array(6), [2, 3]);
    const three = backend.zeros([3], "float32");
    const two = backend.zeros([2], "float32");
    expectRefused(backend, [
      [
        "boundGradient, slope of 2 for 3",
        () => backend.boundGradient(z, z, { shift: three, slope: two }),
        [ShapeError],
      ],
    ]);
  }),
];
