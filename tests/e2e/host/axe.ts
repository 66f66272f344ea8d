// axe on what a page shows, in both themes, with a screenshot of each at two widths for people to look at.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { expect, type Page } from './fixture.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screenshots = new URL('../screenshots/', import.meta.url).pathname;

export async function inspect(page: Page, name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    // Sent over the debugging protocol, so the content security policy stays as strict as it is for everyone.
    const results: AxeResults = await page.evaluate(`${axe}; axe.run()`);
    const violations = results.violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`,
    );
    expect.soft(violations, `${name}, ${theme}`).toEqual([]);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await page.screenshot({ path: `${screenshots}${name}-${width}-${theme}.png` });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  }
}
