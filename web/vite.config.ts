import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const backend = process.env['MAGI_DEV_BACKEND'] ?? 'http://localhost:8080';

/** The build goes into the Python package, so that `magi serve` and the wheel have it. */
export default defineConfig({
  plugins: [react()],
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
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
  },
});
