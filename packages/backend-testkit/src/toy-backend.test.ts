import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ToyBackend } from "../test/toy-backend.js";
import { conformanceCases } from "./index.js";

const create = async () => new ToyBackend();
const text = (path: string) => readFile(new URL(path, import.meta.url), "utf8");

describe("the toy backend", () => {
  it("stands in the guide as it is tested here", async () => {
    const guide = await text("../../../docs/guides/write-a-backend.md");
    const fences = [...guide.matchAll(/^```ts[^\n]*\n([^]*?)^```$/gm)].map(([, code]) => code);
    expect(fences.slice(0, 3).join("\n")).toBe(await text("../test/toy-backend.ts"));
  });

  for (const { name, run } of conformanceCases(create, { scale: 0.02 })) it(name, run);
});
