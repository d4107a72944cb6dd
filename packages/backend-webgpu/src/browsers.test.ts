import { describe, expect, it } from "vitest";
import { chromium, firefox } from "../../../scripts/browsers/find.js";

// The files *.browser.test.ts run in the browsers that the machine has. One that it lacks is told of here.
describe("tests in browsers", () => {
  for (const [name, found] of Object.entries({ chromium, firefox })) {
    it(`run in ${name}`, ({ skip }) => {
      if ("obstacle" in found) skip(found.obstacle);
      expect(found).toHaveProperty("path");
    });
  }
});
