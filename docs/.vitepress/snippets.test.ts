import { describe, expect, it } from "vitest";
import { tesseraCommands } from "../../scripts/snippets/commands.mjs";
import { fencesOf, groupFences, uncheckedCode } from "../../scripts/snippets/fences.mjs";

const fence = (info: string, code = "code"): string => `\`\`\`${info}\n${code}\n\`\`\`\n\n`;

describe("code of the pages", () => {
  it("is joined with what it continues and what it prints", () => {
    const page = [
      fence("ts", "const a = 1;"),
      fence("text output", "1"),
      fence("sh", "tessera doctor"),
      fence("ts continued", "a;"),
      fence("ts"),
    ].join("");
    const groups = groupFences(fencesOf(page));
    expect(groups.map((group) => group.map(({ line }) => line))).toEqual([[1, 13], [9], [17]]);
    expect(groups[0]![0]!.expected?.code).toBe("1\n");
  });

  it.each([
    ["ts", []],
    ["sh shown: trains for minutes", []],
    ["ts continued shown: needs a GPU", []],
    ["text", []],
    ["python", ["`python` is not run: write `python shown: why`"]],
    ["sh shown:", ["the fence does not say why it is only shown"]],
    ["", ["the fence has no language; `text` is no code"]],
  ])("of a fence `%s` is refused unless something checks it", (info, problems) => {
    expect(uncheckedCode(`\n${fence(info)}`)).toEqual(problems.map((text) => ({ line: 2, text })));
  });

  it("is not indented, though lists are", () => {
    const page = `Text\n\n    code\n\n    more\n\n- a list\n\n    goes on\n\n${fence("text", "\n    free")}`;
    expect(uncheckedCode(page).map(({ line }) => line)).toEqual([3, 5]);
  });

  it("has commands in words, as a shell splits them", () => {
    const page = `Or \`tessera fit … --seed 1\`.\n${fence(
      "sh",
      [
        "# tessera in a comment",
        "tessera ids a.npy   # a remark",
        "npx tessera fit 'my own.npy' \\",
        `  --training '{"steps":10}' --spec hadamard'>'sq4 > log`,
        "$ TESSERA_CPU=wasm tessera doctor | head",
      ].join("\n"),
    )}`;
    expect(tesseraCommands(page)).toEqual([
      { line: 4, inText: false, words: ["ids", "a.npy"] },
      {
        line: 5,
        inText: false,
        words: ["fit", "my own.npy", "--training", '{"steps":10}', "--spec", "hadamard>sq4"],
      },
      { line: 7, inText: false, words: ["doctor"] },
      { line: 1, inText: true, words: ["fit", "…", "--seed", "1"] },
    ]);
  });
});
