import { DEFAULT_AUTOENCODER_WIDTHS, type Spec, type TransformSpec } from "./types.js";

/**
 * The short string of a spec; `parseSpec` reads it back to an equal spec. Uses the field's names (`rq3x256`, `aq8x256`,
 * `pq16x256`, `opq16x256`, `itq64`, `rabitq`, `rqvae3x256`) where they say exactly the same.
 */
export function printSpec(spec: Spec): string {
  switch (spec.kind) {
    case "vq":
      return `vq${spec.codebookSize}${printOptions({ metric: spec.metric })}`;
    case "sq":
      if (spec.levels === "fp16" || spec.levels === "bf16") return spec.levels;
      return `sq${spec.bits}${printOptions({
        levels: spec.levels,
        range: spec.range,
        shared: spec.shared,
        scale: spec.scale,
      })}`;
    case "sign":
      return `sign${printOptions({
        bits: spec.bits,
        threshold: spec.threshold,
        estimator: spec.estimator,
      })}`;
    case "fsq":
      return spec.scale === undefined
        ? `fsq(${spec.levels.join(",")})`
        : spec.levels.every((count) => count === 2)
          ? `lfq${spec.levels.length}`
          : `fsq(${spec.levels.join(",")},scale=${spec.scale})`;
    case "residual": {
      const sizes = spec.levels.map(plainVqSize);
      const { refine, start, shared } = spec;
      const options = printOptions({ refine, start, shared });
      if (sizes[0] !== undefined && sizes.every((size) => size === sizes[0])) {
        const shape = `${sizes.length}x${sizes[0]}`;
        return start === "best" ? `aq${shape}` : `rq${shape}${options}`;
      }
      // `>` binds looser than `+`, so a transformed level needs its parentheses.
      const sum = spec.levels
        .map((level) =>
          level.kind === "transformed" && !isSugar(level)
            ? `(${printSpec(level)})`
            : printSpec(level),
        )
        .join("+");
      return options === "" ? sum : `(${sum})${options}`;
    }
    case "split": {
      if (spec.shared) return `split${spec.groups}(${printSpec(spec.each)},shared=true)`;
      const size = plainVqSize(spec.each);
      return size === undefined
        ? `split${spec.groups}(${printSpec(spec.each)})`
        : `pq${spec.groups}x${size}`;
    }
    case "transformed":
      return sugarOf(spec) ?? `${printTransform(spec.transform)}>${printSpec(spec.quantizer)}`;
  }
}

export function printTransform(transform: TransformSpec): string {
  switch (transform.kind) {
    case "pca":
      return `pca${transform.dimension}${printOptions({ whiten: transform.whiten })}`;
    case "ae":
      return `ae(${transform.widths.join(",")})`;
    default:
      return transform.kind;
  }
}

/** The field's name for exactly this transformed quantizer, if it has one. */
function sugarOf(spec: Spec): string | undefined {
  if (spec.kind !== "transformed") return undefined;
  const { transform, quantizer } = spec;
  const inner = printSpec(quantizer);
  if (transform.kind === "opq" && /^pq\d+x\d+$/.test(inner)) return `o${inner}`;
  if (transform.kind === "pca" && !transform.whiten && inner === "itq>sign") {
    return `itq${transform.dimension}`;
  }
  if (transform.kind === "center") {
    const rabitq = /^normalize>rotation>sign\((bits=\d)?,?estimator=rabitq\)$/.exec(inner);
    if (rabitq) return rabitq[1] ? `rabitq(${rabitq[1]})` : "rabitq";
  }
  if (
    transform.kind === "ae" &&
    transform.widths.join() === DEFAULT_AUTOENCODER_WIDTHS.join() &&
    /^rq\d+x\d+$/.test(inner)
  ) {
    return inner.replace("rq", "rqvae");
  }
  return undefined;
}

function isSugar(spec: Spec): boolean {
  return sugarOf(spec) !== undefined;
}

function plainVqSize(spec: Spec): number | undefined {
  return spec.kind === "vq" && spec.metric === undefined ? spec.codebookSize : undefined;
}

function printOptions(options: Record<string, string | number | true | undefined>): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ""
    : `(${given.map(([name, value]) => `${name}=${value}`).join(",")})`;
}
