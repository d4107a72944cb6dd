import {
  type HostTensor,
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
  hostTensor,
  type Model,
  type Quantizers,
  readSafetensorsHeader,
  type SafetensorsEntry,
  safetensorsHeaderEnd,
  VersionError,
} from "@tessera/core";
import { hasOffsets, makePlan, type Plan } from "../plan.js";

/** Newest index format that this build reads and the one it writes. */
export const INDEX_FORMAT_VERSION = 1;
export const INDEX_FORMAT = "tessera-index";
/** What the names of the model's tensors begin with. */
export const MODEL_PREFIX = "model.";

/** Bytes that can be read piece by piece: a file, a `Blob`, or an array. */
export interface IndexSource {
  /** What errors call it. */
  readonly name: string;
  readonly size: number;
  /** Bytes `start..end`, exactly. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** A model's file, taken apart so that it can stand in that of an index. */
export function modelParts(model: Model): {
  tensors: Map<string, HostTensor>;
  metadata: Record<string, string>;
} {
  const { tensors, metadata } = decodeSafetensors(model.save());
  return {
    tensors: new Map([...tensors].map(([name, tensor]) => [MODEL_PREFIX + name, tensor])),
    metadata: { ...metadata },
  };
}

/** What an index file says about itself, and where its rows lie. */
export interface IndexFile {
  readonly source: IndexSource;
  readonly plan: Plan;
  readonly rows: number;
  readonly nextId: number;
  /** The largest deviation of a row's estimate. */
  readonly deviation: number;
  readonly codes: SafetensorsEntry;
  readonly ids: SafetensorsEntry | undefined;
  readonly scales: SafetensorsEntry | undefined;
  readonly offsets: SafetensorsEntry | undefined;
  /** Rows of each list, one list's after another's. */
  readonly listCounts: Uint32Array | undefined;
}

/**
 * Reads all but the rows of an index file, which is not trusted.
 *
 * @throws {FormatError} if it is no index file, {@link VersionError} if it is newer than this build
 */
export async function openIndexFile(
  source: IndexSource,
  quantizers: Pick<Quantizers, "load">,
): Promise<IndexFile> {
  const start = await read(source, 0, Math.min(8, source.size));
  const end = safetensorsHeaderEnd(start, source.size);
  const { entries, metadata } = readSafetensorsHeader(await read(source, 0, end), source.size);
  if (metadata["format"] !== INDEX_FORMAT) {
    throw new FormatError(`${source.name} is not a Tessera index`, {
      hint: "indexes are written by index.save() or `tessera index`",
    });
  }
  const version = metadata["format_version"] ?? "missing";
  if (!/^[1-9]\d{0,8}$/.test(version)) {
    throw new FormatError(`the index's format_version is ${JSON.stringify(version)}`);
  }
  if (Number(version) > INDEX_FORMAT_VERSION) throw new VersionError(version, INDEX_FORMAT_VERSION);
  const model = await readModel(source, entries, metadata, quantizers);
  const settings = readSettings(metadata["index"]);
  let plan: Plan;
  try {
    plan = makePlan(model, settings);
  } catch (cause) {
    throw new FormatError(`the index's settings do not fit its model`, { cause });
  }
  const find = (name: string) => entries.find((entry) => entry.name === name);
  const codes = find("codes");
  const rowBytes = packedBytes(model);
  if (!codes || codes.dtype !== "U8" || codes.shape.length !== 2 || codes.shape[1] !== rowBytes) {
    throw new FormatError(`the index has no codes of ${rowBytes} bytes a row`);
  }
  const rows = codes.shape[0]!;
  const column = (name: string, dtype: "F32" | "I64", needed: boolean) => {
    const entry = find(name);
    if (!entry && !needed) return undefined;
    if (entry?.dtype === dtype && entry.shape.length === 1 && entry.shape[0] === rows) return entry;
    throw new FormatError(`the index has no ${name} of ${dtype} [${rows}]`);
  };
  return {
    source,
    plan,
    rows,
    nextId: settings.nextId,
    deviation: settings.deviation,
    codes,
    ids: column("ids", "I64", false),
    scales: column("scales", "F32", plan.estimator !== undefined),
    offsets: column("offsets", "F32", hasOffsets(plan)),
    listCounts: plan.lists && (await readListCounts(source, find("list_counts"), plan, rows)),
  };
}

/** Bytes of a row's packed codes. */
export function packedBytes({ cardinalities }: Model): number {
  const bits = cardinalities.reduce((sum, k) => sum + Math.max(1, Math.ceil(Math.log2(k))), 0);
  return Math.ceil(bits / 8);
}

/** `source.read`, with the size of the answer checked: a file may shrink while it is read. */
export async function read(source: IndexSource, start: number, end: number): Promise<Uint8Array> {
  const bytes = await source.read(start, end);
  if (bytes.length === end - start) return bytes;
  throw new FormatError(
    `${source.name} gave ${bytes.length} bytes at ${start} where ${end - start} were expected`,
    { hint: "the file changed while it was read; try again" },
  );
}

async function readModel(
  source: IndexSource,
  entries: readonly SafetensorsEntry[],
  metadata: Readonly<Record<string, string>>,
  quantizers: Pick<Quantizers, "load">,
): Promise<Model> {
  const tensors = new Map<string, HostTensor>();
  for (const { name, dtype, shape, start, end } of entries) {
    if (!name.startsWith(MODEL_PREFIX)) continue;
    const bytes = await read(source, start, end);
    tensors.set(name.slice(MODEL_PREFIX.length), hostTensor(dtype, shape, bytes));
  }
  const { spec, facts, model_format_version: version } = metadata;
  return quantizers.load(
    encodeSafetensors(tensors, {
      format: "tessera",
      ...(version !== undefined && { format_version: version }),
      ...(spec !== undefined && { spec }),
      ...(facts !== undefined && { facts }),
    }),
  );
}

function readSettings(text: string | undefined) {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch (cause) {
    throw new FormatError("the index's settings are not JSON", { cause });
  }
  const { lists, symmetric, nextId, deviation } = (value ?? {}) as Record<string, unknown>;
  if (typeof lists !== "boolean" || typeof symmetric !== "boolean") {
    throw new FormatError("the index's settings do not say how its rows are searched");
  }
  if (!Number.isSafeInteger(nextId) || (nextId as number) < 0) {
    throw new FormatError(`the index's next id is ${JSON.stringify(nextId)}`);
  }
  if (typeof deviation !== "number" || !(deviation >= 0 && deviation < Infinity)) {
    throw new FormatError(`the index's deviation is ${JSON.stringify(deviation)}`);
  }
  return { lists, symmetric, nextId: nextId as number, deviation };
}

async function readListCounts(
  source: IndexSource,
  entry: SafetensorsEntry | undefined,
  { lists }: Plan,
  rows: number,
): Promise<Uint32Array> {
  const count = lists!.first.codebook.rows;
  if (entry?.dtype !== "U32" || entry.shape.length !== 1 || entry.shape[0] !== count) {
    throw new FormatError(`the index has no list_counts of U32 [${count}]`);
  }
  const { data } = hostTensor("U32", entry.shape, await read(source, entry.start, entry.end));
  const counts = data as Uint32Array;
  if (counts.reduce((sum, own) => sum + own, 0) !== rows) {
    throw new FormatError(`the index's lists do not hold its ${rows} rows`);
  }
  return counts;
}
