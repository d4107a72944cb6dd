import { type BackendName, pickBackend } from "@tessera/backend";
import { type BackendInfo, matrix, type Matrix, type OnProgress, printSpec } from "@tessera/core";
import { bytesSource, decodeVectors, type Item, readItemsFrom } from "@tessera/io";
import { fitRq } from "@tessera/rq";
import { assignSemanticIds, formatTokens, idsToJson } from "@tessera/semantic-ids";

/** What differs from one runtime to the next: where files come from and go to. */
export interface Files {
  read(name: string): Promise<Uint8Array>;
  write(name: string, bytes: Uint8Array): Promise<void>;
}

export interface PipelineOptions {
  /** Where to compute; of several, the first that starts. Default: what `TESSERA_BACKEND` says, else the CPU. */
  readonly backend?: BackendName | readonly BackendName[] | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface Outcome {
  readonly backend: BackendInfo;
  /** One dish a line: the character, its name and its Semantic ID. */
  readonly menu: readonly Dish[];
}

export interface Dish {
  readonly emoji: string;
  readonly name: string;
  readonly id: string;
}

/** The part of the catalogue that is learned: small enough for a GPU that a CPU simulates. */
const GROUP = "Food & Drink";

/**
 * Gives every dish among the emoji a Semantic ID: reads `emoji.npy` and `emoji.jsonl`; writes `ids.json` and
 * `model.safetensors`.
 *
 * The same module runs in Node, Deno, Bun and browsers. The IDs and the codebooks are the same bytes in all of them, on
 * every backend. The distortion that the model's file records beside them differs from engine to engine in its last digits.
 */
export async function runPipeline(files: Files, options: PipelineOptions = {}): Promise<Outcome> {
  const { onProgress } = options;
  const all = await decodeVectors(await files.read("emoji.npy"), "emoji.npy");
  const names = await readItemsFrom(bytesSource(await files.read("emoji.jsonl"), "emoji.jsonl"));
  const { rows, items } = rowsOf(GROUP, all, names);

  const backend = await pickBackend({ name: options.backend });
  try {
    const model = await fitRq(rows, { codebookSizes: [8, 8, 8], backend, onProgress });
    const codes = await model.encode(rows, { backend, onProgress });
    const ids = assignSemanticIds(codes);

    const spec = printSpec(model.spec);
    const json = idsToJson({ items: items.map(({ emoji }) => emoji), ids, spec });
    await files.write("ids.json", new TextEncoder().encode(json));
    await files.write("model.safetensors", model.save());
    const menu = items.map(({ emoji, name }, row) => ({
      emoji,
      name,
      id: formatTokens(ids.id(row)),
    }));
    return { backend: backend.info, menu };
  } finally {
    backend.dispose();
  }
}

interface Selection {
  readonly rows: Matrix;
  readonly items: readonly Pick<Dish, "emoji" | "name">[];
}

function rowsOf(group: string, { data, cols }: Matrix, items: readonly Item[]): Selection {
  const members = [...items.keys()].filter((row) => items[row]?.["group"] === group);
  const values = new Float32Array(members.length * cols);
  members.forEach((row, i) => values.set(data.subarray(row * cols, (row + 1) * cols), i * cols));
  return {
    rows: matrix(values, cols),
    items: members.map((row) => ({
      emoji: String(items[row]?.["emoji"]),
      name: String(items[row]?.["name"]),
    })),
  };
}
