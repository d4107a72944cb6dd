import { FAULT } from "@tessera/core/authoring";
import type { Device, Storage } from "./device.js";
import { grainOf, type Layout } from "./grain.js";
import { multiply } from "./launch-matmul.js";
import type { CpuTensor } from "./tensor.js";

export interface BeamTensors {
  readonly x: CpuTensor<"float32">;
  /** `[1, K, d]` each. */
  readonly books: readonly CpuTensor<"float32">[];
  /** `[levels, rows]` */
  readonly codes: CpuTensor<"int32">;
  readonly distances: CpuTensor<"float32">;
}

/** Values of all tables, at most: 32 MiB. */
const TABLE_VALUES = 2 ** 23;
/** What adding a value of a table costs, in multiply-adds of a product. */
const LOOK_UP = 4;
/** Values that a block of rows works on, about: they should stay in a core's own cache. */
const BLOCK_VALUES = 2 ** 17;

/** Sizes of the levels, and what follows from them. */
interface Plan {
  readonly layout: Layout;
  readonly sizes: readonly number[];
  /** Codewords of each level, filled up to whole panels. */
  readonly lanes: readonly number[];
  readonly dimension: number;
  readonly beam: number;
  /** Values of the tables; 0 if the search is to go by residuals. */
  readonly tableValues: number;
}

/** Prepares the codebooks, then searches all rows. */
export function searchBeam(device: Device, tensors: BeamTensors, beam: number): void {
  const { x, books, codes, distances } = tensors;
  const dimension = x.shape[1]!;
  const plan = planOf(
    device.layout,
    books.map((book) => book.shape[1]!),
    dimension,
    beam,
  );
  const { sizes, lanes } = plan;
  const temporary: Storage[] = [];
  const allocate = (values: number): Storage => {
    const storage = device.allocate(4 * values);
    temporary.push(storage);
    return storage;
  };
  try {
    const levels = device.upload(Uint32Array.from(sizes));
    temporary.push(levels);
    const centre = beam > 1 ? allocate(dimension) : undefined;
    const codewords = allocate(sum(sizes) * dimension);
    const panels = allocate(sum(lanes) * (1 + dimension));
    if (centre) centreCodebook(device, books[0]!, centre);
    placeCodebooks(device, books, centre, codewords, panels);
    let tables: Storage | undefined;
    if (plan.tableValues > 0) {
      // The kernel reads whole panels, also at the end.
      tables = allocate(plan.tableValues + device.layout.panel);
      crossTables(device, plan, codewords, tables);
    }
    const blockRows = blockRowsOf(plan);
    const widest = Math.max(...lanes);
    device.launch({
      kernel: "beamSearch",
      items: x.shape[0]!,
      grain: grainOf(2 * costOf(plan, tables !== undefined), blockRows),
      arguments: [
        x.address,
        books[0]!.address,
        codewords.address,
        panels.address,
        centre?.address ?? 0,
        tables?.address ?? 0,
        levels.address,
        codes.address,
        distances.address,
        x.shape[0]!,
        dimension,
        sizes.length,
        beam,
        blockRows,
        widest,
      ],
      scratch:
        8 * beam +
        24 * sizes.length +
        4 * (blockRows * valuesPerRow(plan) + beam * widest + device.layout.rowBlock * dimension),
      fault: { kind: FAULT.row },
      outputs: [codes.storage, distances.storage],
      inputs: [x.storage, books[0]!.storage, panels, tables],
    });
  } finally {
    for (const storage of temporary) storage.release();
  }
}

/**
 * Whether tables pay. The choice depends on shapes alone and not on the number of rows, so that batches of any size give
 * the same codes.
 */
function planOf(layout: Layout, sizes: readonly number[], dimension: number, beam: number): Plan {
  const lanes = sizes.map((size) => Math.ceil(size / layout.panel) * layout.panel);
  let tableValues = 0;
  let later = sum(sizes);
  for (const size of sizes) {
    later -= size;
    tableValues += size * later;
  }
  const plan: Plan = { layout, sizes, lanes, dimension, beam, tableValues };
  const pays = tableValues <= TABLE_VALUES && costOf(plan, true) < costOf(plan, false);
  return pays ? plan : { ...plan, tableValues: 0 };
}

/** Multiply-adds, or what takes as long, of one row. */
function costOf({ lanes, dimension, beam }: Plan, byTables: boolean): number {
  let width = 1;
  let cost = 0;
  lanes.forEach((count, l) => {
    cost += count * (byTables ? dimension + width * l * LOOK_UP : width * dimension) + 64 * width;
    width = Math.min(beam, width * count);
  });
  return cost;
}

/** Values that the kernel keeps for each row of a block. */
function valuesPerRow({ sizes, lanes, dimension, beam, tableValues }: Plan): number {
  const width = tableValues > 0 ? 1 : beam;
  return 1 + 2 * beam * (1 + sizes.length) + width * (2 * dimension + Math.max(...lanes));
}

function blockRowsOf(plan: Plan): number {
  const { rows: tileRows, rowBlock } = plan.layout;
  const rows = Math.min(rowBlock, Math.floor(BLOCK_VALUES / valuesPerRow(plan)));
  return rows < tileRows ? Math.max(1, rows) : rows - (rows % tileRows);
}

/** The centre of a codebook's codewords. */
function centreCodebook(device: Device, book: CpuTensor<"float32">, centre: Storage): void {
  const [, size, dimension] = book.shape as [number, number, number];
  device.launch({
    kernel: "centreCodebook",
    items: dimension,
    grain: grainOf(8 * size),
    arguments: [book.address, centre.address, size, dimension],
    outputs: [centre],
    inputs: [book.storage],
  });
}

/** Copies all codebooks side by side, the first one less the centre, and packs them. */
function placeCodebooks(
  device: Device,
  books: readonly CpuTensor<"float32">[],
  centre: Storage | undefined,
  codewords: Storage,
  panels: Storage,
): void {
  let codeword = codewords.address;
  let packed = panels.address;
  const { panel } = device.layout;
  books.forEach((book, l) => {
    const [, size, dimension] = book.shape as [number, number, number];
    const count = Math.ceil(size / panel);
    device.launch({
      kernel: "placeCodebook",
      items: size,
      grain: grainOf(4 * dimension),
      arguments: [book.address, l === 0 ? (centre?.address ?? 0) : 0, codeword, size, dimension],
      fault: { kind: FAULT.codeword },
      outputs: [codewords],
      // A fault of an earlier level stays.
      inputs: [l === 0 ? centre : codewords, book.storage],
    });
    device.launch({
      kernel: "packCodebooks",
      items: count,
      grain: grainOf(16 * panel * dimension),
      arguments: [codeword, packed, 1, size, dimension, 0, 0],
      outputs: [panels],
      inputs: [codewords],
    });
    codeword += 4 * size * dimension;
    packed += 4 * count * panel * (1 + dimension);
  });
}

/** The products of each level's codewords with those of all later levels. */
function crossTables(
  device: Device,
  { sizes, dimension }: Plan,
  codewords: Storage,
  tables: Storage,
): void {
  let later = sum(sizes);
  let from = codewords.address;
  let to = tables.address;
  for (const size of sizes.slice(0, -1)) {
    later -= size;
    const next = from + 4 * size * dimension;
    multiply(device, {
      a: { address: from, storage: codewords },
      b: { address: next, storage: codewords },
      out: { address: to, storage: tables },
      rows: size,
      inner: dimension,
      columns: later,
      transposeB: true,
    });
    from = next;
    to += 4 * size * later;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
