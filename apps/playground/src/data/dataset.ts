import type { Matrix } from "@tessera/core";

/** What a quantizer is trained on, and how its rows are shown. */
export interface Dataset {
  readonly title: string;
  readonly rows: Matrix;
  /** What each row is called. */
  readonly labels?: readonly string[] | undefined;
  /** What kind each row is of. */
  readonly groups?: readonly string[] | undefined;
  /** Where rows are pictures: their width and height, and the value of white. */
  readonly image?: { readonly width: number; readonly height: number; readonly white: number };
}

export function labelOf({ labels }: Dataset, row: number): string {
  return labels?.[row] ?? `row ${row}`;
}
