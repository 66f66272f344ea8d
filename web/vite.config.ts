import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// `npm run dev` serves the sources and sends API calls to a running `cargo xtask up`.
const backend = process.env['SAM_DEV_BACKEND'] ?? 'http://127.0.0.1:8787';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2023',
    // `light-dark()` and nesting are used as written; older browsers are not promised.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // Inlined assets would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': backend, '/health': backend } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
