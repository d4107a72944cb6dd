import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * Gives `use` a reader's folder, in which packages are installed and the repository's `apps` lie, and removes it.
 *
 * @param packages folders and names of what is installed
 */
export async function inReadersFolder({ root, packages }, use) {
  const folder = mkdtempSync(join(tmpdir(), "tessera-snippets-"));
  try {
    for (const { folder: from, name } of packages) {
      const place = join(folder, "node_modules", name);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(from, place, "junction");
    }
    symlinkSync(join(root, "apps"), join(folder, "apps"), "junction");
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
