import { describe, expect, it } from "vitest";
import { tessera } from "../../test/harness.js";
import { wrapCommand } from "./help.js";
import { flag, integer, requiredText, text } from "./options.js";
import { parseArguments, type Syntax } from "./parse.js";
import { nearest } from "./suggest.js";

const syntax: Syntax = {
  name: "fit",
  usage: "tessera fit <vectors> --out FILE",
  positionals: [{ name: "<vectors>", help: "" }],
  options: {
    out: requiredText("FILE", ""),
    seed: integer({ least: 0, help: "" }),
    field: text("NAME", { help: "" }),
    json: flag(""),
  },
};

/** The problem and the hint of a command line that must not parse. */
function problem(...argv: string[]): string {
  try {
    parseArguments(argv, syntax);
  } catch (error) {
    const { message, hint, code } = error as { message: string; hint?: string; code: string };
    expect(code).toBe("usage");
    return hint === undefined ? message : `${message} | ${hint}`;
  }
  throw new Error("it parsed");
}

describe("parseArguments", () => {
  it("reads values in both spellings, in any place", () => {
    const parsed = parseArguments(["--out", "m", "x.npy", "--seed=12", "--json"], syntax);
    expect(parsed.positionals).toEqual(["x.npy"]);
    expect(parsed.values).toEqual({ out: "m", seed: 12, field: undefined, json: true });
    expect([...parsed.given]).toEqual(["out", "seed", "json"]);
  });

  it("takes the last of an option given twice", () => {
    const { values } = parseArguments(["x", "--out", "a", "--out=b"], syntax);
    expect(values["out"]).toBe("b");
  });

  it("takes what follows -- as arguments", () => {
    expect(parseArguments(["--out=m", "--", "--odd.npy"], syntax).positionals).toEqual([
      "--odd.npy",
    ]);
  });

  it.each([
    [
      ["x", "--out=m", "--sede", "3"],
      'unknown option --sede for "tessera fit" | did you mean --seed? See tessera fit --help',
    ],
    [["x", "--out=m", "-x"], 'unknown option -x for "tessera fit" | see tessera fit --help'],
    [
      ["x", "--out=m", "--toString"],
      'unknown option --toString for "tessera fit" | see tessera fit --help',
    ],
    [["x", "--out"], "--out needs a value | write --out FILE"],
    [
      ["x", "--out", "--json"],
      '--out needs a value, and "--json" is an option | write --out FILE, or --out=--json if it is meant',
    ],
    [["x", "--out="], "--out is empty"],
    [["x", "--out=m", "--json=1"], '--json takes no value, got "1"'],
    [["x", "--out=m", "--seed=-1"], '--seed is "-1"; it must be an integer, 0 or more'],
    [["x", "--out=m", "--seed=1.5"], '--seed is "1.5"; it must be an integer, 0 or more'],
    [["x"], "fit needs --out | usage: tessera fit <vectors> --out FILE"],
    [["--out=m"], "fit needs <vectors> | usage: tessera fit <vectors> --out FILE"],
    [
      ["x", "y", "--out=m"],
      '"y" is one argument too many | usage: tessera fit <vectors> --out FILE',
    ],
  ])("explains %j", (argv, expected) => {
    expect(problem(...argv)).toBe(expected);
  });
});

describe("nearest", () => {
  it("finds what was meant, and nothing where nothing is near", () => {
    const names = ["iterations", "restarts", "seed", "spec"];
    expect(nearest("itreations", names)).toBe("iterations");
    expect(nearest("iter", names)).toBe("iterations");
    expect(nearest("speck", names)).toBe("spec");
    expect(nearest("SEED", names)).toBe("seed");
    expect(nearest("colour", names)).toBeUndefined();
  });
});

describe("help", () => {
  it.each([
    ["ids"],
    ["fit"],
    ["encode"],
    ["decode"],
    ["eval"],
    ["recommend"],
    ["inspect"],
    ["doctor"],
  ])("of %s fits 80 and 60 columns and names every option once", async (command) => {
    for (const columns of [80, 60]) {
      const { code, out } = await tessera([command, "--help"], {
        columns,
        env: { NO_COLOR: "1" },
      });
      expect(code).toBe(0);
      expect(out.split("\n").filter((line) => line.length > columns)).toEqual([]);
      expect(out.match(/^ {2}--json/gm)).toHaveLength(1);
      expect(out).toContain("Examples");
    }
  });

  it("of the program", async () => {
    const { code, out } = await tessera(["--help"]);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "Turns embeddings into discrete codes: compressed vectors and Semantic IDs.

      Usage
        tessera <command> [options]

      Commands
        ids        give every item a Semantic ID
        fit        learn a model from vectors
        encode     turn vectors into codes
        decode     turn codes back into vectors
        eval       measure how well a model fits vectors
        report     show how a training run went
        index      make an index of vectors to search
        search     find the nearest vectors
        recommend  find out which quantizer to search vectors with
        import     make a model of a faiss index or a PyTorch checkpoint
        export     make a faiss index or a PyTorch checkpoint of a model
        inspect    show what is in a model or a file of vectors, codes or IDs
        doctor     show what this machine computes with, and how fast

      Try
        tessera ids vectors.npy
        tessera ids --help
        tessera doctor

      Vectors are read from .npy, .fvecs, .bvecs, .ivecs, .safetensors, .parquet,
      .arrow, .feather, .jsonl, .csv and .tsv files.
      "
    `);
    expect((await tessera(["help"])).out).toBe(out);
    expect((await tessera(["help", "fit"])).out).toBe((await tessera(["fit", "--help"])).out);
  });

  it("of one command", async () => {
    expect((await tessera(["decode", "--help"])).out).toMatchInlineSnapshot(`
      "Writes the vectors that codes stand for as an .npy file of float32, shape [rows,
      dimension]. Codes with fewer columns, such as the first level alone, decode
      coarser where the model can.

      Usage
        tessera decode <codes> --model m.safetensors --out x.npy [options]

      Arguments
        <codes>  codes, as written by tessera encode

      Options
        --model FILE  the model that made the codes (required)
        --out FILE    where to write the vectors (required)
        --half        write float16 instead of float32
        --json        print one JSON object on stdout, and nothing else
        --quiet       print nothing but failures
        --debug       show where in the code a failure happened
        --help        show this help

      Examples
        tessera decode codes.npy --model model.safetensors --out decoded.npy
      "
    `);
  });

  it("is the answer to no command at all, with status 2", async () => {
    const { code, out, err } = await tessera([]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("Commands");
  });
});

describe("wrapCommand", () => {
  it("breaks neither words nor options from their values", () => {
    const words = ["tessera", "fit", "'my own vectors.npy'", "--spec", "'hadamard>sq4'", "--json"];
    expect(wrapCommand(words, 40)).toEqual([
      "  tessera fit 'my own vectors.npy' \\",
      "      --spec 'hadamard>sq4' --json",
    ]);
  });
});

describe("the command line", () => {
  it("suggests the nearest command", async () => {
    expect(await tessera(["encdoe"])).toEqual({
      code: 2,
      out: "",
      err: 'tessera: unknown command "encdoe"\nhint: did you mean tessera encode?\n',
    });
    expect((await tessera(["fly"])).err).toMatch(/hint: commands are ids, fit, encode/);
    expect((await tessera(["--versoin"])).err).toMatch(/did you mean tessera --version\?/);
  });

  it("knows its version", async () => {
    expect((await tessera(["--version"])).out).toMatch(/^tessera \d+\.\d+\.\d+\n$/);
  });
});
