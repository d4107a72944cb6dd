/** Gives the visitor a file. */
export function download(name: string, content: Uint8Array | string): void {
  const blob = new Blob([typeof content === "string" ? content : content.slice()]);
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads the blob after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
