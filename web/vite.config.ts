import { fileURLToPath } from 'node:url';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const backend = process.env['MAGI_DEV_BACKEND'] ?? 'http://localhost:8080';

/** Puts compressed forms beside what is worth it, so that no server has to compress at every request. */
function precompressed(): Plugin {
  let folder = '';
  return {
    name: 'precompressed',
    apply: 'build',
    configResolved: (config) => {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle: () => {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|html|svg)$/.test(entry.name)) continue;
        const path = join(entry.parentPath, entry.name);
        const content = readFileSync(path);
        if (content.length < 1_024) continue;
        writeFileSync(`${path}.br`, brotliCompressSync(content));
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
      }
    },
  };
}

/** The build goes into the Python package, so that `magi serve` and the wheel have it. */
export default defineConfig({
  plugins: [react(), precompressed()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: '../src/magisystem/http/web',
    emptyOutDir: true,
    target: 'baseline-widely-available',
    sourcemap: false,
    // A strict Content-Security-Policy has no room for data: fonts or inlined scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    port: 5173,
    proxy: {
      '/invocations': backend,
      '/deliberations': backend,
      '/sessions': backend,
      '/models': backend,
      '/ping': backend,
      '/ws': { target: backend, ws: true },
      // A page and a route share this path; a browser that asks for a page gets the page.
      '/councils': {
        target: backend,
        bypass: (request) => (request.headers.accept?.includes('text/html') ? '/index.html' : undefined),
      },
    },
  },
  test: {
    // A test that needs a document says so in its first line: making one takes longer than most tests.
    environment: 'node',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
  },
});
