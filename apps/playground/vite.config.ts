import { defineConfig } from "vite";

// Pages that are isolated so may share memory with their workers, which threads of wasm need.
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  // Works under any path.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: { format: "es" },
  build: { target: "es2022", sourcemap: false },
  server: { headers },
  preview: { headers },
});
