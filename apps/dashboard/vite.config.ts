import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * Nothing is inlined: the strict content security policy allows only files of our own origin. `__CSP_NONCE__` in index.html is
 * replaced by the gateway for every page it serves.
 */
export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    chunkSizeWarningLimit: 700,
  },
});
