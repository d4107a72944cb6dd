export interface Fence {
  readonly language: string;
  readonly words: readonly string[];
  readonly code: string;
  readonly line: number;
  readonly shown: string | undefined;
}

export function fencesOf(markdown: string): Fence[];

export function groupFences(fences: readonly Fence[]): (Fence & { readonly expected?: Fence })[][];

export function uncheckedCode(markdown: string): { line: number; text: string }[];
