import { defineConfig } from "vite";

/** With these a page may share memory between threads, so that the CPU backend uses all cores. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  // Works under any path.
  base: "./",
  publicDir: "../data",
  build: { target: "es2022", outDir: "../dist/web", emptyOutDir: true },
  server: { headers },
  preview: { headers },
});
