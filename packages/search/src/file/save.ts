import { Codes, encodeSafetensors, type HostTensor, joinCodes } from "@tessera/core";
import { type Chunk, livePlaces } from "../chunk.js";
import { pickCodes, type Plan } from "../plan.js";
import { INDEX_FORMAT, INDEX_FORMAT_VERSION, modelParts, packedBytes } from "./format.js";

/**
 * The bytes of an index file: a model's, with its tensors under `model.`, and the rows: `codes` as the model packs them,
 * `ids` unless they are the rows' numbers, and the `scales` and `offsets` that scans need. Rows are in the order in which
 * they were added, or with lists one list's after another's, with `list_counts`.
 */
export function saveIndex(plan: Plan, chunks: readonly Chunk[], nextId: number): Uint8Array {
  const { model } = plan;
  const places = chunks.map(livePlaces);
  const order = plan.lists ? byList(chunks, places) : undefined;
  const codes = joined(plan, chunks, places);
  const rows = codes.rows;
  const at = (i: number) => order?.[i] ?? i;
  const collect = <A extends Float32Array | Float64Array>(all: A): A =>
    order ? (all.map((_, i) => all[at(i)]!) as A) : all;

  const { tensors, metadata } = modelParts(model);
  const put = (name: string, tensor: HostTensor) => tensors.set(name, tensor);
  const packed = codes.pack();
  const rowBytes = packedBytes(model);
  put("codes", { dtype: "U8", shape: [rows, rowBytes], data: reordered(packed, rowBytes, order) });
  const ids = collect(concatenated(chunks, places, "ids", new Float64Array(rows)));
  if (!ids.every((id, row) => id === row)) {
    const data = BigInt64Array.from(ids, (id) => BigInt(id));
    put("ids", { dtype: "I64", shape: [rows], data });
  }
  for (const name of ["scales", "offsets"] as const) {
    if (!chunks.some((chunk) => chunk[name])) continue;
    const data = collect(concatenated(chunks, places, name, new Float32Array(rows)));
    put(name, { dtype: "F32", shape: [rows], data });
  }
  if (plan.lists) {
    const data = new Uint32Array(plan.lists.first.codebook.rows);
    chunks.forEach(({ lists }, c) => places[c]!.forEach((place) => data[lists![place]!]!++));
    put("list_counts", { dtype: "U32", shape: [data.length], data });
  }
  const deviation = chunks.reduce((most, chunk) => Math.max(most, chunk.deviation), 0);
  return encodeSafetensors(tensors, {
    ...metadata,
    format: INDEX_FORMAT,
    format_version: String(INDEX_FORMAT_VERSION),
    model_format_version: metadata["format_version"]!,
    index: JSON.stringify({ ...plan.settings, nextId, deviation }),
  });
}

function joined(plan: Plan, chunks: readonly Chunk[], places: readonly Uint32Array[]): Codes {
  if (chunks.length === 0) return new Codes([], plan.model.cardinalities);
  return joinCodes(chunks.map((chunk, c) => pickCodes(plan, chunk, places[c]!)));
}

function concatenated<A extends Float32Array | Float64Array>(
  chunks: readonly Chunk[],
  places: readonly Uint32Array[],
  name: "ids" | "scales" | "offsets",
  all: A,
): A {
  let at = 0;
  chunks.forEach((chunk, c) => {
    for (const place of places[c]!) all[at++] = chunk[name]?.[place] ?? 0;
  });
  return all;
}

/** Rows, counted over all chunks, in the order of their lists. */
function byList(chunks: readonly Chunk[], places: readonly Uint32Array[]): Uint32Array {
  const lists: number[] = [];
  chunks.forEach((chunk, c) => {
    for (const place of places[c]!) lists.push(chunk.lists![place]!);
  });
  const order = Uint32Array.from(lists.keys());
  return order.sort((a, b) => lists[a]! - lists[b]! || a - b);
}

function reordered(
  bytes: Uint8Array,
  rowBytes: number,
  order: Uint32Array | undefined,
): Uint8Array {
  if (!order) return bytes;
  const sorted = new Uint8Array(bytes.length);
  order.forEach((from, to) => {
    sorted.set(bytes.subarray(from * rowBytes, (from + 1) * rowBytes), to * rowBytes);
  });
  return sorted;
}
