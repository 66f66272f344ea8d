// Writes `.br` and `.gz` next to each file of `dist` that shrinks; the `web` component serves them to browsers that ask.
// Fails when all JavaScript together, gzipped and without the terminal's own chunk, is over the budget of DESIGN 2.7.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const BUDGET_BYTES = 150 * 1024;
// xterm.js with its addons, loaded when a terminal is shown: src/terminal/emulator.ts.
const TERMINAL_CHUNK = /^assets\/emulator-[\w-]+\.js$/;
const TERMINAL_BUDGET_BYTES = 170 * 1024;
// Below this the headers cost more than compression saves.
const WORTHWHILE_BYTES = 1024;

const dist = new URL('../dist', import.meta.url).pathname;
const files = readdirSync(dist, { encoding: 'utf8', recursive: true });

let scriptBytes = 0;
let terminalBytes = 0;
for (const name of files.filter((name) => /\.(js|css|html|svg|webmanifest)$/.test(name))) {
  const path = join(dist, name);
  const body = readFileSync(path);
  const gzipped = gzipSync(body, { level: 9 });
  if (TERMINAL_CHUNK.test(name)) terminalBytes += gzipped.length;
  else if (name.endsWith('.js')) scriptBytes += gzipped.length;
  if (body.length < WORTHWHILE_BYTES) continue;
  writeFileSync(`${path}.gz`, gzipped);
  writeFileSync(`${path}.br`, brotliCompressSync(body));
}

/** @param {number} bytes */
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
console.log(`javascript: ${kib(scriptBytes)} gzipped (budget ${kib(BUDGET_BYTES)})`);
console.log(`terminal chunk: ${kib(terminalBytes)} gzipped (budget ${kib(TERMINAL_BUDGET_BYTES)})`);
if (terminalBytes === 0) {
  console.error(
    'the terminal has no chunk of its own: something imports src/terminal/emulator.ts statically',
  );
  process.exit(1);
}
if (scriptBytes > BUDGET_BYTES || terminalBytes > TERMINAL_BUDGET_BYTES) {
  console.error('over budget: load the heavy part on demand, or find a smaller library');
  process.exit(1);
}
