/** A quantizer to try, and how its codes are searched. */
export interface Candidate {
  readonly spec: string;
  /** Given where the index has lists: how many of them a search visits. */
  readonly nprobe?: number | undefined;
}

/** A candidate with the most that an index of it keeps of a vector. */
export interface SizedCandidate extends Candidate {
  readonly bytes: number;
}

/** What a candidate must fit. */
export interface Room {
  /** Values of a row, d. */
  readonly dimension: number;
  /** Rows that models learn from. */
  readonly learned: number;
  /** Rows that there are in all. */
  readonly total: number;
  /** The most that an index may keep of a vector. */
  readonly bytes: number;
}

/** The largest quantizer of a family that fits, if one does. */
type Family = (room: Room) => Candidate | undefined;

/** Fewer rows for each codeword, and a codebook knows its rows by heart. */
const ROWS_PER_CODEWORD = 8;
/** Fewer rows are searched in no time without lists. */
const ROWS_FOR_LISTS = 20_000;
/** Fitting takes long with more levels, and each finds less to do. */
const MOST_LEVELS = 16;

/** Bytes that an index keeps of a row beside its codes: norms, factors, the number of its list. */
const BESIDE = { residual: 4, lists: 8, rabitq: 16 } as const;

const SCALARS = [
  { bits: 16, spec: "fp16" },
  { bits: 8, spec: "sq8" },
  { bits: 6, spec: "sq6(range=optimal)" },
  { bits: 4, spec: "sq4(range=optimal)" },
  { bits: 2, spec: "sq2(range=optimal)" },
] as const;

const FAMILIES = {
  product: (room) => product(room, "pq", 256),
  optimizedProduct: (room) => product(room, "opq", 256),
  /** Tables of 16 entries are scanned fastest. */
  fastProduct: (room) => product({ ...room, bytes: 2 * room.bytes }, "pq", 16),
  /** Where the bytes do not divide the dimensions, all but the last few principal components can have as many groups. */
  reducedProduct({ dimension, bytes, learned }) {
    const width = Math.floor(dimension / bytes);
    if (bytes < 2 || width < 2 || dimension % bytes === 0 || !teaches(learned, 256)) return;
    return { spec: `pca${width * bytes}>opq${bytes}x256` };
  },
  residual({ bytes, learned }) {
    const levels = bytes - BESIDE.residual;
    if (levels < 2 || levels > MOST_LEVELS || !teaches(learned, 256)) return;
    return { spec: `rq${levels}x256` };
  },
  lists(room) {
    const lists = 2 ** Math.round(Math.log2(Math.sqrt(room.total)));
    const rest = product({ ...room, bytes: room.bytes - BESIDE.lists }, "pq", 256);
    if (!rest || room.total < ROWS_FOR_LISTS || !teaches(room.learned, lists)) return;
    return { spec: `vq${lists}+${rest.spec}`, nprobe: lists / 4 };
  },
  scalar({ dimension, bytes }) {
    return SCALARS.find(({ bits }) => packed(dimension, bits) <= bytes);
  },
  rotatedScalar({ dimension, bytes }) {
    const bits = [6, 4, 2].find((count) => packed(dimension, count) <= bytes);
    // Hadamard's matrix would pad other dimensions, and the padding would take bytes.
    const rotation = Number.isInteger(Math.log2(dimension)) ? "hadamard" : "rotation";
    return bits ? { spec: `${rotation}>sq${bits}(levels=lloydmax)` } : undefined;
  },
  reducedScalar({ dimension, bytes }) {
    if (bytes >= dimension) return;
    return 2 * bytes < dimension
      ? { spec: `pca${2 * bytes}>sq4(range=optimal)` }
      : { spec: `pca${bytes}>sq8` };
  },
  signs({ dimension, bytes }) {
    return packed(dimension, 1) <= bytes ? { spec: "sign(threshold=median)" } : undefined;
  },
  learnedSigns({ dimension, bytes }) {
    return { spec: `itq${Math.min(dimension, 8 * bytes)}` };
  },
  rabitq({ dimension, bytes }) {
    // An index keeps 3 bits in 4.
    const sizes = [9, 8, 7, 6, 5, 4, 2, 1];
    const bits = sizes.find((count) => packed(dimension, count) + BESIDE.rabitq <= bytes);
    if (bits === undefined) return;
    return { spec: bits === 1 ? "rabitq" : `rabitq(bits=${bits})` };
  },
} as const satisfies Readonly<Record<string, Family>>;

/** A family, its bytes as a share, and bytes on top of that. What is surest and quickest is tried first. */
type Plan = readonly (readonly [family: keyof typeof FAMILIES, share: number, more?: number])[];

/** Shares of the bytes that a vector may take. */
const WITHIN_BYTES: Plan = [
  ["product", 1],
  ["scalar", 1],
  ["rabitq", 1],
  ["learnedSigns", 1],
  ["rotatedScalar", 1],
  ["optimizedProduct", 1],
  ["reducedProduct", 1],
  ["fastProduct", 1],
  ["reducedScalar", 1],
  ["lists", 1],
  ["signs", 1],
  ["optimizedProduct", 1 / 2],
  ["rabitq", 1 / 2],
  ["product", 1 / 4],
  ["residual", 1],
];

/** Shares of a byte for each dimension. */
const FOR_RECALL: Plan = [
  ["scalar", 1],
  ["rabitq", 1 / 8, BESIDE.rabitq],
  ["rotatedScalar", 1 / 2],
  ["signs", 1 / 8],
  ["product", 1 / 4],
  ["rabitq", 1 / 4, BESIDE.rabitq],
  ["scalar", 2],
  ["optimizedProduct", 1 / 4],
  ["optimizedProduct", 1 / 8],
  ["optimizedProduct", 1 / 2],
  ["learnedSigns", 1 / 8],
  ["fastProduct", 1 / 8],
  ["lists", 1 / 4, BESIDE.lists],
  ["optimizedProduct", 1 / 16],
  ["residual", 1 / 16, BESIDE.residual],
];

/**
 * Quantizers that are worth trying, in the order in which to try them, each once.
 *
 * @param room `bytes` is `Infinity` where a recall alone is asked for
 */
export function candidatesFor(room: Room): readonly SizedCandidate[] {
  const [plan, unit] =
    room.bytes === Infinity ? [FOR_RECALL, room.dimension] : [WITHIN_BYTES, room.bytes];
  const candidates = new Map<string, SizedCandidate>();
  for (const [family, share, more = 0] of plan) {
    const bytes = Math.ceil(share * unit) + more;
    const found: Candidate | undefined = FAMILIES[family]({ ...room, bytes });
    if (found && !candidates.has(found.spec)) {
      const { spec, nprobe } = found;
      candidates.set(spec, { spec, nprobe, bytes });
    }
  }
  return [...candidates.values()];
}

/** As many groups as there are bytes, or the next smaller number that divides the dimensions; two or more in a group. */
function product(
  { dimension, bytes, learned }: Room,
  name: "pq" | "opq",
  codebookSize: number,
): Candidate | undefined {
  let groups = Math.min(bytes, Math.floor(dimension / 2));
  while (groups > 1 && dimension % groups !== 0) groups--;
  if (groups < 1 || !teaches(learned, codebookSize)) return undefined;
  if (groups > 1) return { spec: `${name}${groups}x${codebookSize}` };
  return name === "pq" ? { spec: `vq${codebookSize}` } : undefined;
}

function teaches(rows: number, codebookSize: number): boolean {
  return rows >= ROWS_PER_CODEWORD * codebookSize;
}

/** Bytes of so many columns. */
function packed(columns: number, bits: number): number {
  return Math.ceil((columns * bits) / 8);
}
