import { Damage } from "../columnar/damage.js";
import { readExactly, type ByteSource } from "../source.js";
import { FlatTable } from "./flatbuffer.js";

/**
 * Arrow's messages (https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format). A file is a stream
 * of them between two magic texts, with a footer that says where each is, which reading them in order makes needless.
 */
export interface Message {
  readonly kind: "schema" | "dictionary" | "batch";
  /** Bytes of the metadata. */
  readonly start: number;
  readonly end: number;
  readonly bodyStart: number;
  readonly bodyBytes: number;
}

const MAGIC = "ARROW1";
const CONTINUATION = 0xffffffff;
const KINDS: readonly (Message["kind"] | undefined)[] = [
  undefined,
  "schema",
  "dictionary",
  "batch",
];

/**
 * All messages of a file or stream, of which only the metadata are read.
 *
 * @returns each with the table in it, which is not kept
 * @throws {Damage} if one claims more than there is
 */
export async function* readMessages(
  source: ByteSource,
): AsyncGenerator<readonly [Message, FlatTable], void, undefined> {
  const { start, end } = await messageBounds(source);
  for (let at = start; at + 4 <= end;) {
    const head = await readExactly(source, at, Math.min(end, at + 8));
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const first = view.getUint32(0, true);
    // Before version 0.15 there was no mark before the length.
    const marked = first === CONTINUATION;
    if (marked && head.length < 8) throw new Damage("it ends within a message");
    const length = marked ? view.getUint32(4, true) : first;
    if (length === 0) return;
    const metadata = at + (marked ? 8 : 4);
    if (length > end - metadata) throw new Damage(`a message claims metadata of ${length} bytes`);
    const bytes = await readExactly(source, metadata, metadata + length);
    const table = FlatTable.root(bytes);
    const bodyStart = metadata + length;
    const bodyBytes = table.count(3);
    if (bodyBytes < 0 || bodyBytes > end - bodyStart) {
      throw new Damage(`a message claims ${bodyBytes} bytes of data; ${end - bodyStart} follow`);
    }
    at = bodyStart + bodyBytes;
    const kind = KINDS[table.integer(1, 8)];
    const content = table.table(2);
    if (kind === undefined || content === undefined) {
      throw new Damage("it has a message of a kind that tables do not have");
    }
    yield [{ kind, start: metadata, end: bodyStart, bodyStart, bodyBytes }, content];
  }
}

/** The table in a message that was found before. */
export async function readContent(source: ByteSource, message: Message): Promise<FlatTable> {
  const bytes = await readExactly(source, message.start, message.end);
  const content = FlatTable.root(bytes).table(2);
  if (content === undefined) throw new Damage("a message changed while it was read");
  return content;
}

/** Where messages lie: all of a stream, or a file without its magic texts and footer. */
async function messageBounds(source: ByteSource): Promise<{ start: number; end: number }> {
  const { size } = source;
  if (size < 8) throw new Damage(`its ${size} bytes are too few for Arrow`);
  const text = async (start: number): Promise<string> =>
    String.fromCharCode(...(await readExactly(source, start, start + MAGIC.length)));
  if ((await text(0)) !== MAGIC) return { start: 0, end: size };
  if (size < 20 || (await text(size - MAGIC.length)) !== MAGIC) {
    throw new Damage("it does not end as an Arrow file does");
  }
  const tail = size - MAGIC.length - 4;
  const bytes = await readExactly(source, tail, tail + 4);
  const footer = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  if (footer > tail - 8) throw new Damage(`it claims a footer of ${footer} bytes`);
  return { start: 8, end: tail - footer };
}
