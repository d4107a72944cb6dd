import { FormatError, type HostTensor } from "@tessera/core";

/** One codebook of a checkpoint, and where in the module it is. */
export interface CodebookName {
  /** Of `GroupedResidualVQ`. */
  readonly group: number | undefined;
  /** Of `ResidualVQ`. */
  readonly level: number | undefined;
  readonly tensor: HostTensor;
}

/** A module of vector-quantize-pytorch inside a checkpoint. */
export interface CheckpointModule {
  /** What stands before its own names, such as `vq.`. */
  readonly prefix: string;
  readonly codebooks: readonly CodebookName[];
  /** Its tensors by their own names. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

const CODEBOOK = /^(.*?)(?:rvqs\.(\d{1,5})\.)?(?:layers\.(\d{1,5})\.)?_codebook\.embed$/;

/**
 * Finds the one quantizer of a checkpoint by its names.
 *
 * @param wanted the prefix to take; needed only where there are several
 * @throws {FormatError} if there is none, or more than one
 */
export function findModule(
  tensors: ReadonlyMap<string, HostTensor>,
  wanted: string | undefined,
): CheckpointModule {
  const found = new Map<string, CodebookName[]>();
  for (const [name, tensor] of tensors) {
    const match = CODEBOOK.exec(name);
    if (!match) continue;
    const [, prefix = "", group, level] = match;
    const list = found.get(prefix) ?? [];
    list.push({ group: numberOf(group), level: numberOf(level), tensor });
    found.set(prefix, list);
  }
  const prefixes = [...found.keys()].sort();
  if (prefixes.length === 0) {
    throw new FormatError('the checkpoint has no tensor named "…_codebook.embed"', {
      hint: "it may be an FSQ or LFQ, which have no codebooks: their levels are all that there is to know",
    });
  }
  const prefix = wanted ?? prefixes[0]!;
  const codebooks = found.get(prefix);
  if (codebooks === undefined || (wanted === undefined && prefixes.length > 1)) {
    throw new FormatError(
      `the checkpoint has quantizers at ${prefixes.map((name) => JSON.stringify(name)).join(", ")}`,
      { hint: "choose one by its prefix" },
    );
  }
  const own = [...tensors].filter(([name]) => name.startsWith(prefix));
  return {
    prefix,
    codebooks,
    tensors: new Map(own.map(([name, tensor]) => [name.slice(prefix.length), tensor])),
  };
}

function numberOf(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}
