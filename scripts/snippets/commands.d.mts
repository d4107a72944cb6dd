export function commandChecker(
  root: string,
): Promise<(markdown: string) => { line: number; text: string }[]>;

export function tesseraCommands(
  markdown: string,
): { words: string[]; line: number; inText: boolean }[];
