import { openBinary } from "./binary.js";
import type { VectorFormat } from "./format.js";
import type { RowReader } from "./row-reader.js";
import type { ByteSource } from "./source.js";
import { openText } from "./text-rows.js";
import type { VectorOptions } from "./vectors.js";

type Open = (source: ByteSource, options: VectorOptions) => Promise<RowReader>;

/** What reads each format. Those that are large are loaded when the first file of theirs is met. */
const READERS: Readonly<Record<VectorFormat, Open>> = {
  npy: binary("npy"),
  fvecs: binary("fvecs"),
  ivecs: binary("ivecs"),
  bvecs: binary("bvecs"),
  safetensors: binary("safetensors"),
  jsonl: text("jsonl"),
  csv: text("csv"),
  tsv: text("tsv"),
  async parquet(source, options) {
    const { openParquet } = await import("@tessera/io/parquet");
    return openParquet(source, options);
  },
  async arrow(source, options) {
    const { openArrow } = await import("@tessera/io/arrow");
    return openArrow(source, options);
  },
};

/** Rows of a file in a format that is known. */
export function openRows(
  source: ByteSource,
  format: VectorFormat,
  options: VectorOptions,
): Promise<RowReader> {
  return READERS[format](source, options);
}

function binary(format: Parameters<typeof openBinary>[1]): Open {
  return (source, { tensor }) => openBinary(source, format, tensor);
}

function text(format: Parameters<typeof openText>[1]): Open {
  return (source, options) => openText(source, format, options);
}
