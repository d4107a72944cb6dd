import { ArgumentError, FormatError, NonFiniteError } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../test/files.js";
import { decodeVectors, type VectorOptions } from "./vectors.js";

const read = (text: string, options?: VectorOptions, name = "x.csv") =>
  decodeVectors(utf8(text), name, options);

describe("csv and tsv", () => {
  it.each<[string, string, VectorOptions, number[][], string[] | undefined]>([
    [
      "plain numbers",
      "1,2\n3,4\n",
      {},
      [
        [1, 2],
        [3, 4],
      ],
      undefined,
    ],
    [
      "no line end at the end",
      "1,2\n3,4",
      {},
      [
        [1, 2],
        [3, 4],
      ],
      undefined,
    ],
    [
      "CRLF, blank lines and a byte order mark",
      "\ufeff1,2\r\n\r\n3,4\r\n",
      {},
      [
        [1, 2],
        [3, 4],
      ],
      undefined,
    ],
    ["a header", "x,y\n1,2\n", {}, [[1, 2]], undefined],
    [
      "a header and ids",
      "id,x,y\na,1,2\nb,3,4\n",
      {},
      [
        [1, 2],
        [3, 4],
      ],
      ["a", "b"],
    ],
    ["numeric ids under their name", "item_id,x\n7,1\n8,2\n", {}, [[1], [2]], ["7", "8"]],
    [
      "the index and columns of pandas",
      ",0,1\n0,5,6\n1,7,8\n",
      {},
      [
        [5, 6],
        [7, 8],
      ],
      ["0", "1"],
    ],
    ["numeric column names without an id", "0,1\n5,6\n", { header: true }, [[5, 6]], undefined],
    ["ids without a header", "a,1\n7,2\n", {}, [[1], [2]], ["a", "7"]],
    ["ids that are said to be there", "7,1\n8,2\n", { idColumn: true }, [[1], [2]], ["7", "8"]],
    ["values named like an id", "id,x\n7,1\n", { idColumn: false }, [[7, 1]], undefined],
    ["quotes", 'id,x\n"a,""b""",1\n"c\n\nd","2"\n', {}, [[1], [2]], ['a,"b"', "c\n\nd"]],
    [
      "semicolons",
      "1.5;2\n3;4",
      {},
      [
        [1.5, 2],
        [3, 4],
      ],
      undefined,
    ],
    [
      "spaces",
      "the 1 2\nof 3 4\n",
      {},
      [
        [1, 2],
        [3, 4],
      ],
      ["the", "of"],
    ],
    [
      "a delimiter that is named",
      "1|2\n3|4",
      { delimiter: "|" },
      [
        [1, 2],
        [3, 4],
      ],
      undefined,
    ],
    [
      "every way to write a number",
      "+1,-.5,2.,1e3, 4 ,0,-0.0E1,0.0",
      {},
      [[1, -0.5, 2, 1000, 4, 0, -0, 0]],
      undefined,
    ],
  ])("reads %s", async (_, text, options, rows, ids) => {
    const found = await read(text, options);
    expect([found.rows, found.cols, [...found.data]]).toEqual([
      rows.length,
      rows[0]!.length,
      rows.flat(),
    ]);
    expect(found.ids).toEqual(ids);
  });

  it("takes tabs for tsv, commas in its ids or not", async () => {
    const found = await read("a, b\t1\t2\n", {}, "x.tsv");
    expect([found.ids, [...found.data]]).toEqual([["a, b"], [1, 2]]);
  });

  it.each<[string, string, VectorOptions, RegExp]>([
    ["nothing but blanks", " \n\n", {}, /has no rows/],
    ["a header alone", "x,y\n", {}, /a header but no rows/],
    ["ids alone", "a\nb\n", {}, /line 2, column 1 is "b"/],
    ["ids alone, said so", "a\nb\n", { idColumn: true, header: false }, /line 1 has no values/],
    ["a ragged row", "1,2\n3,4\n5\n", {}, /line 3 has 1 fields; line 1 has 2/],
    ["an empty field", "1,2\n3,\n", {}, /line 2, column 2 is "", not a number/],
    ["a word", "x,y\n1,2\n3,four\n", {}, /line 3, column 2 is "four"/],
    ["hexadecimal", "1,2\n3,0x10\n", {}, /column 2 is "0x10"/],
    ["hexadecimal zero", "1,2\n3,0x0\n", {}, /column 2 is "0x0"/],
    ["a decimal comma", "1,5;2,5\n", { header: false }, /column 2 is "2,5"/],
    ["an id after numeric rows", "1,2\na,3\n", {}, /line 2, column 1 is "a"/],
    ["an open quote", 'a,1\n"b,2\nc,3\n', {}, /line 2 opens a quote that is never closed/],
    ["a stray quote", 'a,1\nb"c"d,2\n', {}, /line 2, column 1 has a quote out of place/],
    ["text after a quote", 'a,1\n"b"c,2\n', {}, /line 2, column 1 has a quote out of place/],
  ])("refuses %s, saying where", async (_, text, options, message) => {
    const reading = read(text, options);
    await expect(reading).rejects.toThrow(FormatError);
    await expect(reading).rejects.toThrow(message);
  });

  it("says how to read what it refused", async () => {
    await expect(read("1,2\na,3\n")).rejects.toMatchObject({
      hint: expect.stringContaining("idColumn") as string,
    });
    await expect(read("1,5;2,5\n3,5;4,5\n")).rejects.toMatchObject({
      hint: expect.stringContaining("decimals with a point") as string,
    });
  });

  it.each(["nan", "NaN", "inf", "-Infinity", "1e400", "1e39"])(
    "names the row of %s",
    async (bad) => {
      await expect(read(`1,2\n3,4\n5,${bad}\n`)).rejects.toThrow(NonFiniteError);
      await expect(read(`1,2\n3,4\n5,${bad}\n`)).rejects.toMatchObject({ row: 2 });
      const { data } = await read(`1,2\n3,${bad}\n`, { allowNonFinite: true });
      expect(data[3]).toBe(Math.fround(Number(bad.replace(/^inf/, "Infinity"))));
    },
  );

  it.each(["", ",,", "1", "\n", '"', "e"])("refuses %j as a delimiter", async (delimiter) => {
    await expect(read("1,2\n", { delimiter })).rejects.toThrow(ArgumentError);
  });

  it("gives back any floats and ids, whatever the line ends and quotes", async () => {
    const row = fc.tuple(
      fc.string({ unit: "grapheme" }).map((s) => `#${s.replaceAll("\r", "")}`),
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 3, maxLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 6 }),
        fc.constantFrom("\n", "\r\n"),
        fc.constantFrom(",", "\t", ";"),
        async (rows, lineEnd, delimiter) => {
          const text = rows
            .map(([id, v]) => [`"${id.replaceAll('"', '""')}"`, ...v].join(delimiter))
            .join(lineEnd);
          const found = await read(text, { delimiter, header: false });
          expect(found.ids).toEqual(rows.map(([id]) => id));
          // A text has no negative zero: String(-0) is "0".
          expect([...found.data]).toEqual(rows.flatMap(([, v]) => v.map((x) => x + 0)));
        },
      ),
    );
  });
});
