import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpecError } from "../errors.js";
import { aq, fsq, pq, residual, rq, sign, split, sq, transformed, vq } from "./build.js";
import { checkSpec } from "./check.js";
import { parseSpec } from "./parse.js";
import { printSpec } from "./print.js";
import type { Spec, TransformSpec } from "./types.js";

/** Random well-formed specs, in canonical form. */
const specs: fc.Arbitrary<Spec> = fc.letrec<{ spec: Spec; level: Spec }>((tie) => ({
  level: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc
      .record({
        size: fc.integer({ min: 1, max: 2 ** 24 }),
        metric: fc.constantFrom("l2", "ip", "cosine"),
      })
      .map(({ size, metric }) => checkSpec({ kind: "vq", codebookSize: size, metric })),
    fc
      .record({
        bits: fc.constantFrom(1, 2, 4, 6, 8),
        levels: fc.constantFrom("uniform", "quantile", "lloydmax"),
        shared: fc.boolean(),
      })
      .map((fields) => checkSpec({ kind: "sq", ...fields })),
    fc
      .constantFrom(
        "fp16",
        "bf16",
        "sq8(range=optimal)",
        "sq6(range=meanstd,shared=true)",
        "sq4(levels=lloydmax,scale=unbiased)",
        "sign(threshold=median)",
        "sign(bits=4,estimator=rabitq)",
      )
      .map(parseSpec),
    fc.constantFrom("rq3x16(shared=true)", "aq2x8", "(vq8+vq4)(refine=joint)").map(parseSpec),
    fc
      .record({
        levels: fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 4 }),
        options: fc.constantFrom({}, { scale: "none" } as const),
      })
      .map(({ levels, options }) => fsq(levels, options)),
    fc
      .record({
        groups: fc.integer({ min: 2, max: 64 }),
        each: tie("spec"),
        options: fc.constantFrom({}, { shared: true } as const),
      })
      .map(({ groups, each, options }) => split(groups, each, options)),
    fc
      .record({
        transform: fc.constantFrom<TransformSpec>(
          { kind: "center" },
          { kind: "normalize" },
          { kind: "rotation" },
          { kind: "hadamard" },
          { kind: "opq" },
          { kind: "itq" },
          { kind: "pca", dimension: 64 },
          { kind: "pca", dimension: 7, whiten: true },
          { kind: "ae", widths: [512, 256, 128, 64] },
          { kind: "ae", widths: [3] },
        ),
        quantizer: tie("spec"),
      })
      .map(({ transform, quantizer }) => transformed(transform, quantizer)),
  ),
  spec: fc.oneof(
    tie("level"),
    fc.array(tie("level"), { minLength: 2, maxLength: 4 }).map((levels) => residual(...levels)),
  ),
})).spec;

describe("the short string", () => {
  it("and the JSON spec convert into one another without loss", () => {
    fc.assert(
      fc.property(specs, (spec) => {
        expect(parseSpec(printSpec(spec))).toEqual(spec);
        expect(checkSpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
      }),
    );
  });

  it.each([
    ["vq1024", vq(1024)],
    ["rq3x256", residual("vq256", "vq256", "vq256")],
    ["rq3x256", rq(3, 256)],
    ["rq4x256(shared=true)", rq(4, 256, { shared: true })],
    ["rq4x256(refine=joint)", rq(4, 256, { refine: "joint" })],
    ["aq8x256", aq(8, 256)],
    ["aq8x256", rq(8, 256, { refine: "joint", start: "best" })],
    ["(vq256+vq64)(refine=joint)", checkSpec({ ...residual("vq256", "vq64"), refine: "joint" })],
    ["vq4096+aq8x256", residual("vq4096", aq(8, 256))],
    [
      "pca64>(vq8+vq4)(refine=joint)+sq8",
      transformed({ kind: "pca", dimension: 64 }, residual("(vq8+vq4)(refine=joint)", "sq8")),
    ],
    ["pq16x256", split(16, "vq256")],
    ["pq16x256", pq(16, 256)],
    ["opq16x256", transformed({ kind: "opq" }, "pq16x256")],
    ["vq4096+pq16x256", residual("vq4096", "pq16x256")],
    ["split4(rq2x256)", split(4, "rq2x256")],
    ["split4(vq256,shared=true)", split(4, "vq256", { shared: true })],
    ["split2(vq8(metric=ip),shared=true)", split(2, vq(8, { metric: "ip" }), { shared: true })],
    ["split2(vq8+fsq(3,3),shared=true)", split(2, "vq8+fsq(3,3)", { shared: true })],
    ["fsq(8,5,5,5)", fsq([8, 5, 5, 5])],
    ["fsq(8,5,scale=none)", fsq([8, 5], { scale: "none" })],
    ["lfq3", fsq([2, 2, 2], { scale: "none" })],
    ["fsq(2,2)", fsq([2, 2])],
    ["sq8", sq(8)],
    ["fp16", sq(16, { levels: "fp16" })],
    ["sign", sign()],
    ["sign(threshold=median)", sign({ threshold: "median" })],
    ["itq64", transformed([{ kind: "pca", dimension: 64 }, { kind: "itq" }], "sign")],
    [
      "rabitq",
      transformed(
        [{ kind: "center" }, { kind: "normalize" }, { kind: "rotation" }],
        sign({ estimator: "rabitq" }),
      ),
    ],
    [
      "rabitq(bits=4)",
      transformed(
        [{ kind: "center" }, { kind: "normalize" }, { kind: "rotation" }],
        sign({ bits: 4, estimator: "rabitq" }),
      ),
    ],
    ["hadamard>sq4", transformed({ kind: "hadamard" }, "sq4")],
    ["rqvae3x256", transformed({ kind: "ae", widths: [512, 256, 128, 64] }, "rq3x256")],
    ["ae(64,32)>rq3x256", transformed({ kind: "ae", widths: [64, 32] }, "rq3x256")],
    ["vq4096+(hadamard>sq4)", residual("vq4096", "hadamard>sq4")],
    ["vq256(metric=cosine)", vq(256, { metric: "cosine" })],
    [
      "center>normalize>rotation>sign",
      transformed([{ kind: "center" }, { kind: "normalize" }, { kind: "rotation" }], "sign"),
    ],
  ])("%s is what its builders make, and prints as itself", (text, built) => {
    expect(parseSpec(text)).toEqual(built);
    expect(printSpec(built)).toBe(text);
  });

  it("binds > looser than +, and + is associative", () => {
    expect(parseSpec("ae(64)>vq256+vq256")).toEqual(parseSpec("ae(64)>(vq256+vq256)"));
    expect(parseSpec("vq8+(vq8+vq4)")).toEqual(parseSpec("vq8 + vq8 + vq4"));
    expect(parseSpec("rq1x8")).toEqual(parseSpec("vq8"));
    expect(parseSpec("(vq8+vq8)(refine=joint,start=best)")).toEqual(parseSpec("aq2x8"));
  });
});

describe("a spec that does not parse", () => {
  it.each([
    ["", 0, "ends where a quantizer is expected"],
    ["vqq256", 0, '"vqq256" is not a quantizer'],
    ["rq3256", 0, "is not a quantizer"],
    ["vq256+", 6, "ends where a quantizer is expected"],
    ["vq256 + rx3", 8, '"rx3" is not a quantizer'],
    ["vq0", 0, 'codebookSize is 0; it must be an integer from 1 to 16777216 in "vq0"'],
    ["vq99999999999", 0, "codebookSize is 99999999999"],
    ["rq99x256", 0, "levels must be a list of 1 to 64 items"],
    ["vq256(metric=cos)", 0, 'metric is "cos"; it may be l2, ip, cosine'],
    ["vq256(metrik=cosine)", 6, '"metrik" is not an option of vq256, which takes metric'],
    ["rq3x256(metric=ip)", 8, "takes refine, start, shared"],
    ["aq3x256(shared=true)", 8, "takes no options"],
    ["(vq8)(shared=true)", 5, "follows no sum that takes options"],
    ["(aq2x8)(shared=true)", 7, "follows no sum that takes options"],
    ["(vq8+sq8)(refine=joint)", 0, "refine takes levels of plain vq; level 2 is none"],
    ["(vq8+vq4)(shared=true)", 0, "shared takes levels of one size, not of 8, 4"],
    ["rq2x8(start=best)", 0, "start applies with refine=joint only"],
    ["rq2x8(refine=joint,shared=true)", 0, "shared does not go with refine"],
    ["sq3", 0, "bits is 3"],
    ["fp8", 0, "bits is 8"],
    ["center", 0, "is a transform; it needs a quantizer after it"],
    ["vq8+hadamard>sq4", 4, '"hadamard" is a transform, and cannot stand inside a sum'],
    ["vq8+vq8>sq4", 7, "is after a quantizer"],
    ["vq8>sq4", 3, "is after a quantizer"],
    ["split4(vq8", 10, 'stands where ")" is expected'],
    ["vq8)", 3, "is not expected here"],
    ["vq8 § vq8", 4, "has no meaning"],
    ["fsq", 0, "levels must be a list"],
    ["lfq0", 0, "levels must be a list"],
    ["lfq4097", 0, "levels must be a list"],
    ["fsq(8,257)", 0, "levels[1] is 257; it must be an integer from 2 to 256"],
    ["fsq(8,scale=1)", 0, "scale is 1; it may be learned, none"],
    ["split4(vq8,)", 11, "stands where name=value is expected"],
    ["split4(vq8,8)", 11, "stands where name=value is expected"],
    ["split4(vq8,each=4)", 11, '"each" is not an option of split4(vq256), which takes shared'],
    ["split4(vq8,shared=no)", 0, 'shared is "no"; it may be true or false'],
    [`${"(".repeat(200)}vq8`, 32, "nested too deeply"],
  ])("%j: column %i, %s", (text, start, message) => {
    const error = catchError(() => parseSpec(text));
    expect(error).toBeInstanceOf(SpecError);
    expect((error as SpecError).message).toContain(message);
    expect((error as SpecError).start).toBe(start);
  });

  it("points at the part and suggests the nearest name", () => {
    const error = catchError(() => parseSpec("vq4096+qp16x256")) as SpecError;
    expect(error.excerpt).toBe("vq4096+qp16x256\n       ^^^^^^^^");
    expect(error.hint).toBe("did you mean pq16x256?");
  });

  it("never fails in another way, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(..."vqrpsabx0123456789+>(),= é".split("")),
          maxLength: 30,
        }),
        (text) => {
          const error = catchError(() => parseSpec(text));
          expect(error === undefined || error instanceof SpecError).toBe(true);
        },
      ),
    );
  });
});

describe("a spec object from outside", () => {
  it.each([
    [null, "spec is null"],
    [{ kind: "vq" }, "spec.codebookSize is missing"],
    [{ kind: "vqq", codebookSize: 1 }, 'spec.kind is "vqq"'],
    [{ kind: "vq", codebookSize: 8, beam: 2 }, 'unknown field "beam"'],
    [
      {
        kind: "residual",
        levels: [
          { kind: "vq", codebookSize: 8 },
          { kind: "vq", codebookSize: 0 },
        ],
      },
      "spec.levels[1].codebookSize is 0",
    ],
    [
      { kind: "sq", bits: 4, levels: "quantile", range: "quantile" },
      "spec.range applies to uniform levels only",
    ],
    [{ kind: "sq", bits: 4, scale: "optimal" }, "spec.scale applies to lloydmax levels only"],
    [{ kind: "sq", bits: 4, shared: "yes" }, 'spec.shared is "yes"; it may be true or false'],
    [
      { kind: "sq", bits: 4, levels: "lloydmax", scale: "optimal", shared: true },
      "spec.shared applies to levels that are learned",
    ],
    [{ kind: "sq", bits: 16, levels: "fp16", shared: true }, "spec.shared applies"],
    [{ kind: "sign", bits: 2 }, "spec.bits is 2, which takes estimator rabitq"],
    [
      { kind: "sign", threshold: "mean", estimator: "rabitq" },
      "spec.threshold is mean; estimator rabitq takes signs about zero",
    ],
    [
      {
        kind: "transformed",
        transform: { kind: "pca", dimension: 8, whiten: 1 },
        quantizer: { kind: "sign" },
      },
      "spec.transform.whiten is 1",
    ],
  ])("%j is refused: %s", (value, message) => {
    expect(() => checkSpec(value)).toThrow(SpecError);
    expect(() => checkSpec(value)).toThrow(message);
  });

  it("nested too deeply is refused before the stack ends", () => {
    let spec: unknown = { kind: "vq", codebookSize: 2 };
    for (let i = 0; i < 10_000; i++) spec = { kind: "split", groups: 2, each: spec };
    expect(() => checkSpec(spec)).toThrow(/nested deeper/);
  });
});

function catchError(body: () => unknown): unknown {
  try {
    body();
    return undefined;
  } catch (error) {
    return error;
  }
}
