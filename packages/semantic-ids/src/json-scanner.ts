import { FormatError } from "@tessera/core";
import { quoteShort } from "./tokens.js";

/** Not JSON, but what some editors put before it. */
export const BYTE_ORDER_MARK = "\ufeff";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What a one-letter escape stands for. */
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/**
 * Reads JSON piece by piece, in the order of the text.
 *
 * `JSON.parse` will not do: it moves keys such as "10" before others, lets the last of two equal keys win, and forgets
 * how the text was spaced.
 */
export class JsonScanner {
  readonly text: string;
  /** The next character to read. */
  at = 0;
  /** Whether a string so far held a character outside printable ASCII as it is, not as a \u escape. */
  sawRaw = false;
  readonly #file: string;

  /** @param file what the text is, for error messages */
  constructor(text: string, file: string) {
    this.text = text;
    this.#file = file;
  }

  /** Skips white space and returns it. */
  space(): string {
    const start = this.at;
    for (;;) {
      const unit = this.text.charCodeAt(this.at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) break;
      this.at++;
    }
    return this.text.slice(start, this.at);
  }

  /** Whether `character` comes next; if so, it is read. */
  take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  expect(character: string): void {
    if (!this.take(character)) this.#expected(`"${character}"`);
  }

  /** Reads the comma or the `end` after a value, with the white space around it; around the end, only before it. */
  separator(end: string): string {
    const start = this.at;
    this.space();
    if (this.take(",")) this.space();
    else if (!this.take(end)) this.#expected(`"," or "${end}"`);
    return this.text.slice(start, this.at);
  }

  string(): string {
    if (this.text.charCodeAt(this.at) !== QUOTE) this.#expected("a string");
    let value = "";
    let start = this.at + 1;
    for (let i = start; ; i++) {
      const unit = this.text.charCodeAt(i);
      if (unit === QUOTE) {
        this.at = i + 1;
        return value + this.text.slice(start, i);
      }
      if (unit === BACKSLASH) {
        value += this.text.slice(start, i);
        const escape = this.#escape(i);
        value += escape.value;
        i = escape.last;
        start = i + 1;
      } else if (unit >= 0x7f) {
        this.sawRaw = true;
      } else if (!(unit >= 0x20)) {
        // NaN, past the end of the text, comes here too.
        this.fail(
          i < this.text.length
            ? "a string holds a control character that is not escaped"
            : "the text ends in a string",
          Math.min(i, this.text.length),
        );
      }
    }
  }

  /** Reads an integer from 0 to 2⁵³ − 1, written with digits alone. */
  integer(): number {
    const start = this.at;
    let end = start;
    while (end < this.text.length && isDigit(this.text.charCodeAt(end))) end++;
    const digits = this.text.slice(start, Math.min(end, start + 17));
    const value = Number(digits);
    const canonical = digits !== "" && String(value) === digits && Number.isSafeInteger(value);
    if (!canonical || ".eE".includes(this.text[end] ?? " ")) {
      this.#expected("an integer of 0 or more");
    }
    this.at = end;
    return value;
  }

  /** Demands that nothing but white space is left, and returns that. */
  end(): string {
    const space = this.space();
    if (this.at < this.text.length) this.#expected("the end of the text");
    return space;
  }

  /** Throws, naming the line and column of `at`. */
  fail(what: string, at = this.at, hint?: string): never {
    let line = 1;
    let lineStart = 0;
    for (let i = this.text.indexOf("\n"); i !== -1 && i < at; i = this.text.indexOf("\n", i + 1)) {
      line++;
      lineStart = i + 1;
    }
    throw new FormatError(
      `${this.#file}, line ${line}, column ${at - lineStart + 1}: ${what}`,
      hint === undefined ? {} : { hint },
    );
  }

  #expected(what: string): never {
    const found =
      this.at < this.text.length
        ? quoteShort(this.text.slice(this.at, this.at + 12))
        : "the end of the text";
    this.fail(`expected ${what}, found ${found}`);
  }

  #escape(backslash: number): { value: string; last: number } {
    const letter = this.text[backslash + 1] ?? "";
    const known = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (known !== undefined) return { value: known, last: backslash + 1 };
    const hex = this.text.slice(backslash + 2, backslash + 6);
    if (letter !== "u" || !/^[0-9a-fA-F]{4}$/.test(hex)) {
      this.fail("a string holds an escape that JSON does not know", backslash);
    }
    return { value: String.fromCharCode(Number.parseInt(hex, 16)), last: backslash + 5 };
  }
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}
