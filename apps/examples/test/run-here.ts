import { readFile } from "node:fs/promises";
import { type BackendInfo, safetensorsHeaderEnd } from "@tessera/core";
import { type PipelineOptions, runPipeline } from "../src/pipeline/pipeline.js";

/** What a run of the pipeline wrote. */
export interface Written {
  readonly ids: string;
  readonly model: Buffer;
  /** The part of the model that is its codebooks; before it stand names and figures. */
  readonly codebooks: Buffer;
}

const DATA = new URL("../data/", import.meta.url);

/**
 * Runs the pipeline in this process, from the sources.
 *
 * @param change what to do to a file before the pipeline gets it
 */
export async function runHere(
  options: PipelineOptions = {},
  change: (name: string, bytes: Buffer) => Promise<Uint8Array> | Uint8Array = (_, bytes) => bytes,
): Promise<Written & { readonly backend: BackendInfo }> {
  const written = new Map<string, Buffer>();
  const { backend } = await runPipeline(
    {
      read: async (name) => change(name, await readFile(new URL(name, DATA))),
      write: async (name, bytes) => void written.set(name, Buffer.from(bytes)),
    },
    options,
  );
  return { backend, ...writtenFrom((name) => written.get(name)) };
}

export function writtenFrom(file: (name: string) => Buffer | undefined): Written {
  const [ids, model] = [file("ids.json"), file("model.safetensors")];
  if (!ids || !model) throw new Error("the pipeline did not write its files");
  const codebooks = model.subarray(safetensorsHeaderEnd(model, model.length));
  return { ids: ids.toString(), model, codebooks };
}
