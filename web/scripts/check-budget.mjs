// Fails the build when all JavaScript together, gzipped, is over the budget of DESIGN 2.7.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const BUDGET_BYTES = 150 * 1024;
const dist = new URL('../dist', import.meta.url).pathname;

const scripts = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.js'));
const bytes = scripts
  .map((name) => gzipSync(readFileSync(join(dist, name)), { level: 9 }).length)
  .reduce((sum, size) => sum + size, 0);

const kib = (value) => `${(value / 1024).toFixed(1)} KiB`;
console.log(`javascript: ${kib(bytes)} gzipped in ${scripts.length} files (budget ${kib(BUDGET_BYTES)})`);
if (bytes > BUDGET_BYTES) {
  console.error('over budget: load the heavy part on demand, or find a smaller library');
  process.exit(1);
}
