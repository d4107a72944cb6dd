import { FormatError, throwIfAborted } from "@tessera/core";
import { readExactly, type ByteSource } from "./source.js";

/** A line, or several where a quoted field spans them. */
export interface TextRecord {
  readonly text: string;
  /** Number of its first line, from 1. */
  readonly line: number;
}

/** Bytes read at a time. */
const CHUNK = 2 ** 18;

/** Longest record, in characters: a vector of a million numbers fits, a binary file without line ends does not. */
const MAX_RECORD = 2 ** 26;

/**
 * The lines of a UTF-8 text, a block at a time. Line ends are LF or CRLF; a byte order mark is
 * skipped.
 *
 * @throws {FormatError} if the text is not UTF-8, or a line is too long
 */
export async function* readLines(
  source: ByteSource,
  signal?: AbortSignal,
): AsyncGenerator<TextRecord[], void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  let pieces: string[] = [];
  let held = 0;
  const add = (block: TextRecord[], last: string): void => {
    const whole = pieces.length === 0 ? last : pieces.join("") + last;
    const text = whole.endsWith("\r") ? whole.slice(0, -1) : whole;
    block.push({ text, line });
    pieces = [];
    held = 0;
    line++;
  };
  for (let start = 0; start < source.size; start += CHUNK) {
    throwIfAborted(signal);
    const end = Math.min(source.size, start + CHUNK);
    const chunk = decode(decoder, await readExactly(source, start, end), end, source);
    const block: TextRecord[] = [];
    let from = 0;
    for (let at = chunk.indexOf("\n"); at !== -1; at = chunk.indexOf("\n", from)) {
      add(block, chunk.slice(from, at));
      from = at + 1;
    }
    pieces.push(chunk.slice(from));
    held += chunk.length - from;
    checkLength(held, line, source.name);
    if (end === source.size) add(block, "");
    yield block;
  }
}

export function isBlank({ text }: TextRecord): boolean {
  return text.trim() === "";
}

function decode(
  decoder: InstanceType<typeof TextDecoder>,
  bytes: Uint8Array,
  end: number,
  source: ByteSource,
): string {
  try {
    return decoder.decode(bytes, { stream: end < source.size });
  } catch (cause) {
    throw new FormatError(`${source.name} is not text in UTF-8 before byte ${end}`, {
      hint: "save it as UTF-8, or check that it is a text file",
      cause,
    });
  }
}

/**
 * Lines joined while a double quote is open.
 *
 * @throws {FormatError} if a quote is never closed
 */
export async function* joinQuoted(
  blocks: AsyncIterable<TextRecord[]>,
  name: string,
): AsyncGenerator<TextRecord[], void, undefined> {
  let open: TextRecord[] = [];
  let held = 0;
  for await (const block of blocks) {
    const joined: TextRecord[] = [];
    for (const record of block) {
      const closes = hasOddQuotes(record.text);
      if (open.length === 0 && !closes) {
        joined.push(record);
        continue;
      }
      open.push(record);
      held += record.text.length;
      checkLength(held, open[0]!.line, name);
      if (closes && open.length > 1) {
        joined.push({ text: open.map(({ text }) => text).join("\n"), line: open[0]!.line });
        open = [];
        held = 0;
      }
    }
    yield joined;
  }
  if (open.length > 0) {
    throw new FormatError(`${name} line ${open[0]!.line} opens a quote that is never closed`, {
      hint: 'write a quote inside a quoted field as ""',
    });
  }
}

function hasOddQuotes(text: string): boolean {
  let odd = false;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) odd = !odd;
  return odd;
}

function checkLength(characters: number, line: number, name: string): void {
  if (characters > MAX_RECORD) {
    throw new FormatError(`${name} line ${line} is longer than ${MAX_RECORD} characters`, {
      hint: "check that it is a text file with one vector per line",
    });
  }
}
