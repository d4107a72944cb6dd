import { createQuantizers, expectNoLeaks } from "@tessera/core";
import { pickBackend } from "@tessera/backend";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backend as reference, normalRows, onceOnly, stream } from "../test/rows.js";
import { scalarPart } from "./index.js";

const quantizers = createQuantizers([scalarPart]);
const rows = normalRows(21, 3000, 33);

describe("on the CPU backend", () => {
  let cpu: Awaited<ReturnType<typeof pickBackend>>;
  beforeAll(async () => {
    cpu = await pickBackend({ threads: 2 });
  });
  afterAll(() => cpu.dispose());

  it.each([
    ["sq8", 1],
    ["sq4(range=optimal)", 1],
    ["sq6(levels=quantile)", 0],
    ["sq2(levels=lloydmax)", 0],
    ["sq4(levels=lloydmax,scale=unbiased)", 0],
  ])("%s has the codes of the reference, of a matrix and of streams", async (spec, apart) => {
    const model = await quantizers.fit(spec, rows);
    const expected = await model.encode(rows, { backend: reference });
    await expectNoLeaks(cpu, async () => {
      const codes = await model.encode(rows, { backend: cpu });
      // Halfway between uniform levels either code will do; thresholds are exact.
      const differences = codes.data.map((code, i) => Math.abs(code - expected.data[i]!));
      expect(Math.max(...differences)).toBeLessThanOrEqual(apart);
      expect(differences.filter((difference) => difference > 0).length).toBeLessThan(10);
      for (const input of [stream(rows, 701), onceOnly(rows)]) {
        expect((await model.encode(input, { backend: cpu })).data).toEqual(codes.data);
      }
    });
  });
});
