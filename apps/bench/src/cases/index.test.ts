import { describe, expect, it } from "vitest";
import { entryName } from "../case.js";
import { contenders } from "../contenders.js";
import { TARGETS } from "../targets.js";
import { allCases } from "./index.js";

describe.each([
  ["full", false],
  ["quick", true],
])("the %s cases", (_, quick) => {
  const cases = allCases(quick, 2);
  const known = new Set(contenders(2).map(({ id }) => id));

  it("have names of their own", () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  it.each(cases.map((one) => [one.name, one] as const))("%s holds together", (_, one) => {
    const names = one.entries.map(entryName);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain(one.reference);
    for (const { contender, ceiling } of one.entries) {
      expect(known).toContain(contender);
      if (ceiling !== undefined) expect(names).toContain(ceiling);
    }
  });
});

describe("the targets", () => {
  const cases = allCases(false, 2);

  it.each(TARGETS.map((target) => [target.cases, target] as const))(
    "of %s can be met",
    (_, target) => {
      const named = cases.filter(({ name }) => new RegExp(`^(${target.cases})$`).test(name));
      expect(named).not.toEqual([]);
      for (const { entries } of named) {
        const names = entries.map(entryName);
        for (const { entry, against, measure } of target.oneOf) {
          expect(names).toContain(entry);
          if (against.length > 0) expect(against.some((name) => names.includes(name))).toBe(true);
          if (measure === "ceiling") {
            const own = entries.find((one) => entryName(one) === entry);
            expect(own?.ceiling).toBeDefined();
          }
        }
      }
    },
  );
});
