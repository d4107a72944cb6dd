import { ArgumentError, FormatError, MAX_CARDINALITY } from "@tessera/core";

/**
 * The name of a level in tokens: `a` to `z`, then `aa`, `ab`, … as a spreadsheet names its columns.
 *
 * @param level counted from 0
 */
export function levelName(level: number): string {
  if (!Number.isSafeInteger(level) || level < 0) {
    throw new ArgumentError(`level is ${level}; it must be an integer from 0`);
  }
  let name = "";
  for (let rest = level + 1; rest > 0; rest = Math.floor((rest - 1) / 26)) {
    name = String.fromCharCode(97 + ((rest - 1) % 26)) + name;
  }
  return name;
}

const TOKEN_STARTS: string[] = [];

/** A token up to its code. The first ones are kept, as every token of every item needs one. */
function tokenStart(level: number): string {
  if (!(level >= 0 && level < 64)) return `<${levelName(level)}_`;
  return (TOKEN_STARTS[level] ??= `<${levelName(level)}_`);
}

/** One token, such as `<b_7>` for code 7 of level 1. */
export function formatToken(level: number, code: number): string {
  if (!Number.isInteger(code) || code < 0 || code >= MAX_CARDINALITY) {
    throw new ArgumentError(
      `code ${code} of level ${levelName(level)} must be an integer from 0 to 2^24 - 1`,
    );
  }
  return `${tokenStart(level)}${code}>`;
}

/**
 * A Semantic ID as text: `[12, 7, 200]` is `<a_12><b_7><c_200>`, as LC-Rec, LETTER and MiniOneRec write it.
 *
 * @throws {ArgumentError} if a code is not an integer from 0 to 2^24 − 1
 */
export function formatTokens(codes: ArrayLike<number>): string {
  let text = "";
  for (let level = 0; level < codes.length; level++) text += formatToken(level, codes[level]!);
  return text;
}

/**
 * Reads what {@link formatTokens} wrote, and nothing else: levels in order, no spaces, no leading zeros.
 *
 * @throws {FormatError} naming the character at which the text stops being a Semantic ID
 */
export function parseTokens(text: string): number[] {
  const codes: number[] = [];
  for (let at = 0; at < text.length;) {
    const token = readToken(text, at, codes.length);
    if (token === undefined) {
      throw new FormatError(
        `character ${at} of ${quoteShort(text)}: ${expectation(text, at, codes.length)}`,
        { hint: "a Semantic ID reads like <a_12><b_7><c_200>" },
      );
    }
    codes.push(token.code);
    at = token.end;
  }
  if (codes.length === 0) {
    throw new FormatError("an empty text is no Semantic ID", {
      hint: "a Semantic ID reads like <a_12><b_7><c_200>",
    });
  }
  return codes;
}

/** The token of `level` that starts at `at`; undefined if there is none. */
export function readToken(
  text: string,
  at: number,
  level: number,
): { code: number; end: number } | undefined {
  const start = tokenStart(level);
  if (!text.startsWith(start, at)) return undefined;
  const first = at + start.length;
  let end = first;
  let code = 0;
  for (; end < first + 8; end++) {
    const digit = text.charCodeAt(end) - 48;
    if (!(digit >= 0 && digit <= 9)) break;
    code = code * 10 + digit;
  }
  const leadingZero = end - first > 1 && text[first] === "0";
  if (end === first || leadingZero || text[end] !== ">" || code >= MAX_CARDINALITY) {
    return undefined;
  }
  return { code, end: end + 1 };
}

/** What {@link readToken} wanted at `at`, and what is there. */
export function expectation(text: string, at: number, level: number): string {
  const found = text.slice(at, Math.max(at, text.indexOf(">", at)) + 1);
  return `expected a token <${levelName(level)}_N> with N from 0 to 2^24 - 1, found ${quoteShort(found)}`;
}

/** JSON-quoted, so that control characters cannot break the line, and cut to a length that fits in one. */
export function quoteShort(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
