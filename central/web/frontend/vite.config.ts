import { defineConfig } from "vitest/config";

// The service that the development server forwards to; the built page asks its own origin.
const service = "http://127.0.0.1:8080";

export default defineConfig({
  // Relative addresses, so that a reverse proxy may put the page under any path.
  base: "./",
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    // No data: addresses and no helper script in the page: a strict content security policy holds.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // MapLibre is one module of about 1.1 MB (300 kB compressed) that cannot be cut further.
    chunkSizeWarningLimit: 1300,
  },
  worker: { format: "es" },
  server: { proxy: { "/v1": service, "/healthz": service } },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
});
