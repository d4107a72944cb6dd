/**
 * A reader's browser asks nobody but the site: no page or style sheet loads a script, a style, a font or an image from another
 * host.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Elements that load what they name, and `url(…)` and `@import` in styles; links that are followed by hand do not count. */
const LOADS = [
  /<(?:script|img|iframe|source|audio|video|embed|input)\b[^>]*?\ssrc=["']?((?:https?:)?\/\/[^"'\s>]+)/gi,
  /<link\b(?![^>]*rel=["']?(?:canonical|alternate))[^>]*?\shref=["']?((?:https?:)?\/\/[^"'\s>]+)/gi,
  /url\(\s*["']?((?:https?:)?\/\/[^"')\s]+)/gi,
  /@import\s+["']((?:https?:)?\/\/[^"']+)/gi,
];

/** @throws {Error} that lists what is loaded from elsewhere, with the files that do */
export async function checkSite(folder: string): Promise<void> {
  const names = (await readdir(folder, { recursive: true })).filter((name) =>
    /\.(?:html|css)$/.test(name),
  );
  const found: string[] = [];
  for (const name of names) {
    const text = await readFile(join(folder, name), "utf8");
    found.push(...loadsFromElsewhere(text).map((address) => `${name} loads ${address}`));
  }
  if (found.length > 0) throw new Error(`the site must not need other hosts:\n${found.join("\n")}`);
}

/** Addresses on other hosts that a page or a style sheet loads by itself. */
export function loadsFromElsewhere(text: string): string[] {
  return LOADS.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, address]) => address ?? ""),
  );
}
