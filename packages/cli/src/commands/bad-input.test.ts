import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeSafetensors, encodeSafetensors } from "@tessera/core";
import { encodeNpy } from "@tessera/io";
import { beforeAll, describe, expect, it } from "vitest";
import { filesIn, sampleRows, temporaryFolder, tessera, writeVectors } from "../../test/harness.js";

const folder = await temporaryFolder();
const at = (name: string) => join(folder, name);
const out = at("out");
const vectors = at("vectors.npy");
const model = at("model.safetensors");
const encode = (path: string, ...rest: string[]) => [
  "encode",
  path,
  `--model=${model}`,
  `--out=${join(out, "codes.npy")}`,
  ...rest,
];
const fit = (path: string, spec = "vq4") => [
  "fit",
  path,
  "--spec",
  spec,
  "--out",
  join(out, "m.safetensors"),
];

/** Runs a command line that must fail: with this status, with exactly this on stderr, and with nothing written. */
async function fails(argv: readonly string[], code: number, ...lines: (string | RegExp)[]) {
  const result = await tessera(argv);
  const err = result.err.trimEnd().split("\n");
  lines.forEach((line, i) => {
    if (typeof line === "string") expect(err[i]).toBe(line);
    else expect(err[i]).toMatch(line);
  });
  expect(err).toHaveLength(lines.length);
  expect(result.out).toBe("");
  expect(result.code).toBe(code);
  expect(await filesIn(out)).toEqual([]);
}

/** An .npy file whose header says whatever the test wants. */
async function npyWith(name: string, header: string, body: Uint8Array): Promise<string> {
  const text = header.padEnd(117) + "\n";
  const head = Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0]),
    Buffer.from(text),
  ]);
  await writeFile(at(name), Buffer.concat([head, body]));
  return at(name);
}

beforeAll(async () => {
  await mkdir(out);
  await writeVectors(vectors, sampleRows(60, 4));
  const { code } = await tessera(["fit", vectors, "--spec", "rq2x4", "--out", model]);
  expect(code).toBe(0);
});

describe("files of vectors", () => {
  it("that are missing or folders", async () => {
    const missing = at("missing.npy");
    await fails(
      fit(missing),
      1,
      `tessera: cannot read ${missing}: it does not exist`,
      "hint: check the path",
    );
    await fails(
      fit(folder),
      1,
      `tessera: cannot read ${folder}: it is a folder`,
      "hint: name a file in it",
    );
  });

  it("of zero length", async () => {
    await writeFile(at("zero.npy"), "");
    await fails(fit(at("zero.npy")), 1, `tessera: ${at("zero.npy")} is empty`);
  });

  it("that are truncated", async () => {
    const whole = await readFile(vectors);
    await writeFile(at("cut.npy"), whole.subarray(0, whole.length - 100));
    await fails(
      fit(at("cut.npy")),
      1,
      `tessera: ${at("cut.npy")} has shape [60, 4] of F32, which takes 1088 bytes; the file has 988`,
      "hint: the file is cut short or damaged; save it again",
    );
  });

  it("whose header lies about gigabytes", async () => {
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000), }";
    const path = await npyWith("lies.npy", header, new Uint8Array(64));
    await fails(
      encode(path),
      1,
      `tessera: ${path} has shape [1000000, 1000] of F32, which takes 4000000128 bytes; the file has 192`,
      "hint: the file is cut short or damaged; save it again",
    );
  });

  it("of another shape than rows and columns", async () => {
    await writeFile(at("cube.npy"), encodeNpy(new Float32Array(24), [2, 3, 4]));
    await fails(
      fit(at("cube.npy")),
      1,
      `tessera: ${at("cube.npy")} has shape [2, 3, 4], not [rows, columns]`,
      "hint: save it as x.reshape(len(x), -1)",
    );
  });

  it("with another dimension than the model's", async () => {
    const wide = await writeVectors(at("wide.npy"), sampleRows(10, 5));
    await fails(encode(wide), 1, "tessera: the rows have 5 values; the model was fitted on 4");
  });

  it("with NaN far down", async () => {
    const { data, rows, cols } = sampleRows(12_400, 4);
    data[12_345 * 4 + 2] = Number.NaN;
    const path = await writeVectors(at("nan.npy"), { data, rows, cols });
    for (const argv of [fit(path), encode(path), ["eval", path, "--model", model]]) {
      await fails(
        argv,
        1,
        `tessera: ${path} row 12345 has a value that is not finite, or its squared norm overflows float32`,
        "hint: remove or repair that row, or scale the data down",
      );
    }
  });

  it("with fewer rows than codewords", async () => {
    await fails(
      fit(vectors, "rq2x256"),
      1,
      "tessera: level 1 of 2: codebookSize 256 needs at least 256 rows; there are 60",
      "hint: choose a smaller codebookSize, or pass more rows",
    );
  });
});

describe("models", () => {
  it("of a newer version", async () => {
    const { tensors, metadata } = decodeSafetensors(await readFile(model));
    const newer = at("newer.safetensors");
    await writeFile(
      newer,
      encodeSafetensors(Object.fromEntries(tensors), { ...metadata, format_version: "7" }),
    );
    await fails(
      ["encode", vectors, "--model", newer, "--out", join(out, "codes.npy")],
      1,
      `tessera: ${newer}: the model has format version 7; this build reads up to 1`,
      "hint: update @tessera packages",
    );
  });

  it("that are none", async () => {
    await fails(
      ["eval", vectors, "--model", vectors],
      1,
      `tessera: ${vectors}: the safetensors header claims 379676406402707 bytes; the format allows 100000000`,
      "hint: check that this is a safetensors file",
    );
    const other = at("other.safetensors");
    const tensor = { dtype: "F32", shape: [1, 2], data: new Float32Array(2) } as const;
    await writeFile(other, encodeSafetensors({ x: tensor }));
    await fails(
      ["eval", vectors, "--model", other],
      1,
      `tessera: ${other}: this .safetensors file is not a Tessera model`,
      "hint: models are written by model.save() or `tessera fit`",
    );
    const { code, out: shown } = await tessera(["inspect", other]);
    expect(code).toBe(0);
    expect(shown).toContain("not a Tessera model");
  });

  it("cut off in the middle", async () => {
    const bytes = await readFile(model);
    await writeFile(at("half.safetensors"), bytes.subarray(0, bytes.length - 20));
    const { code, err } = await tessera(["inspect", at("half.safetensors")]);
    expect(code).toBe(1);
    expect(err).toMatch(/^tessera: .+\n/);
    expect(err).not.toContain("unexpected");
  });
});

describe("codes", () => {
  it("out of range", async () => {
    const codes = Uint8Array.of(0, 1, 2, 3, 9, 0);
    await writeFile(at("bad-codes.npy"), encodeNpy(codes, [3, 2]));
    await fails(
      ["decode", at("bad-codes.npy"), "--model", model, "--out", join(out, "x.npy")],
      1,
      "tessera: code 9 at row 2, column 0 is outside 0..3",
      "hint: check that these codes were made by this model",
    );
  });

  it("with another number of columns", async () => {
    await writeFile(at("three.npy"), encodeNpy(new Uint8Array(6), [2, 3]));
    await fails(
      ["decode", at("three.npy"), "--model", model, "--out", join(out, "x.npy")],
      1,
      `tessera: ${at("three.npy")} has shape [2, 3]; this model's codes are [rows, 2]`,
      "hint: check that these codes were made by this model",
    );
  });
});

describe("specs", () => {
  it("with a typo show where it is", async () => {
    await fails(
      fit(vectors, "vq4+qr3x256"),
      2,
      'tessera: "qr3x256" is not a quantizer',
      "  vq4+qr3x256",
      "      ^^^^^^^",
      "hint: did you mean rq3x256?",
    );
  });

  it("of levels for rows of another width say how to bring them down", async () => {
    await fails(
      fit(vectors, "fsq(8,5)"),
      1,
      "tessera: fsq(8,5) takes rows of 2 values; these have 4",
      "hint: bring the rows down first, as in pca2>fsq(8,5)",
    );
  });

  it("that cannot be trained say what can", async () => {
    await fails(
      fit(vectors, "ae(4,2)>sq8"),
      1,
      "tessera: an autoencoder is trained together with vq, sums of vq, products of those, or fsq, not sq8",
      "hint: such as ae(512,256,128,64)>rq3x256, ae(64)>vq1024 or ae(64)>split4(rq2x256)",
    );
  });

  it("with settings that are none", async () => {
    const fitWith = (...more: string[]) => [...fit(vectors, "ae(4,2)>vq4"), ...more];
    await fails(
      fitWith("--training", "steps=5"),
      2,
      "tessera: --training is not a JSON object: steps=5",
      `hint: quote it for the shell, such as --training '{"steps":20000}'`,
    );
    await fails(
      fitWith("--training", '{"steps":0}'),
      1,
      "tessera: steps is 0; it must be an integer from 1",
    );
    await fails(
      fitWith("--resume"),
      2,
      "tessera: --resume needs --checkpoint",
      "hint: name the file that the run keeps",
    );
  });
});

describe("places to write to", () => {
  it("that do not exist", async () => {
    const path = at("nowhere/ids.json");
    await fails(
      ["ids", vectors, "--spec", "vq4", "--out", path],
      1,
      `tessera: cannot write ${path}: there is no folder ${at("nowhere")}`,
      `hint: create it first: mkdir -p ${at("nowhere")}`,
    );
  });

  it("that are a folder, or in a file", async () => {
    await fails(
      ["ids", vectors, "--spec", "vq4", "--report", out],
      1,
      `tessera: cannot write ${out}: it is a folder`,
      "hint: name a file in it",
    );
    const path = join(vectors, "ids.json");
    await fails(
      ["ids", vectors, "--spec", "vq4", "--out", path],
      1,
      `tessera: cannot write ${path}: ${vectors} is a file, not a folder`,
      "hint: check the path",
    );
  });

  // Permissions do not stop root, but a folder that takes no files does.
  const locked = process.getuid?.() === 0 ? "/proc" : at("locked");
  it.skipIf(!existsSync("/proc"))(
    "that are read-only (skipped where there is no /proc)",
    async () => {
      if (locked !== "/proc") {
        await mkdir(locked);
        await chmod(locked, 0o555);
      }
      const path = join(locked, "ids.json");
      await fails(
        ["ids", vectors, "--spec", "vq4", "--out", path],
        1,
        `tessera: cannot write ${path}: the folder ${locked} is read-only`,
        "hint: write somewhere else, or change its permissions",
      );
    },
  );

  it.skipIf(!existsSync("/dev/null"))(
    "that are devices (skipped where there are none)",
    async () => {
      await fails(
        ["fit", vectors, "--spec", "vq4", "--out", "/dev/null"],
        1,
        "tessera: cannot write /dev/null: it is a device or pipe, not a file",
        "hint: use a regular file",
      );
    },
  );

  it("that are found out before the input is read", async () => {
    const path = at("nowhere/m.safetensors");
    const { err } = await tessera(["fit", at("missing.npy"), "--spec", "vq4", "--out", path]);
    expect(err).toMatch(/^tessera: cannot write /);
  });

  it("that are the input, or one another", async () => {
    const copy = at("copy.npy");
    await copyFile(vectors, copy);
    await fails(
      ["encode", copy, "--model", model, "--out", copy],
      2,
      `tessera: --out ${copy} is the input, too`,
      "hint: name another file",
    );
    const same = join(out, "same");
    await fails(
      ["ids", vectors, "--out", same, "--report", join(out, ".", "same")],
      2,
      `tessera: --report ${same} is the file of --out, too`,
      "hint: name another file",
    );
  });
});

describe("items", () => {
  const ids = (...rest: string[]) => [
    "ids",
    vectors,
    "--spec=vq4",
    `--out=${join(out, "ids.json")}`,
    ...rest,
  ];
  const write = async (name: string, items: readonly unknown[]) => {
    await writeFile(at(name), items.map((item) => JSON.stringify(item)).join("\n"));
    return at(name);
  };

  it("that are not one per row", async () => {
    const path = await write("few.jsonl", [{ id: 1 }, { id: 2 }]);
    await fails(
      ids("--items", path),
      1,
      `tessera: ${path} has 2 items; vectors.npy has 60 rows`,
      "hint: there must be one item per row, in the same order",
    );
  });

  it("without the field that was asked for", async () => {
    const path = await write(
      "named.jsonl",
      Array.from({ length: 60 }, (_, id) => ({ id, name: `n${id}` })),
    );
    await fails(
      ids("--items", path, "--names", "nmae"),
      1,
      `tessera: --names: no item of ${path} has a field "nmae"`,
      "hint: did you mean name?",
    );
  });

  it("with an id twice", async () => {
    const path = await write(
      "twice.jsonl",
      Array.from({ length: 60 }, (_, row) => ({ id: row % 50 })),
    );
    await fails(
      ids("--items", path),
      1,
      `tessera: ${path}: rows 0 and 50 have the same id "0"`,
      "hint: each item needs an id of its own; name another field with --id",
    );
  });

  it("that are not there, though a field of them is named", async () => {
    await fails(
      ids("--names", "name"),
      2,
      "tessera: --names names a field, and vectors.npy has none",
      "hint: give the items' fields with --items FILE.jsonl, one object per row",
    );
  });

  it("that are used with fitting options and a model that exists", async () => {
    await fails(
      ["ids", vectors, "--model", model, "--seed", "1"],
      2,
      `tessera: --seed is about fitting, and ${model} exists and is used as it is`,
      "hint: give --spec to fit anew and replace it, or leave the option out",
    );
  });
});

describe("a stack", () => {
  it("is shown with --debug or TESSERA_DEBUG, and else not", async () => {
    const argv = fit(at("missing.npy"));
    expect((await tessera(argv)).err).not.toMatch(/^ +at /m);
    expect((await tessera([...argv, "--debug"])).err).toMatch(/^ +at /m);
    expect((await tessera(argv, { env: { TESSERA_DEBUG: "1" } })).err).toMatch(/^ +at /m);
  });
});
