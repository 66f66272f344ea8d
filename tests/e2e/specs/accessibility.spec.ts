// axe on every screen in both themes. The screenshots it leaves are for people to look at.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { expect, heading, PAGES, test } from '../host/fixture.ts';
import type { Page } from '../host/fixture.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screenshots = new URL('../screenshots/', import.meta.url).pathname;

async function inspect(page: Page, name: string): Promise<void> {
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

for (const { path, heading: name } of PAGES) {
  test(`axe finds nothing on ${path}`, async ({ page }) => {
    await page.goto(path);
    await expect(heading(page, name)).toBeVisible();
    await expect(page.getByRole('status')).toHaveCount(0);
    await inspect(page, path === '/' ? 'home' : path.slice(1).replace('/', '-'));
  });
}

const DIALOGS = [
  { path: '/settings/tokens?new=1', name: 'New API token', file: 'new-token' },
  { path: '/admin/invites?new=1', name: 'Invite someone', file: 'new-invite' },
];

for (const { path, name, file } of DIALOGS) {
  test(`axe finds nothing in the dialog “${name}”`, async ({ page }) => {
    await page.goto(path);
    await expect(page.getByRole('dialog', { name })).toBeVisible();
    await inspect(page, file);
  });
}

test('axe finds nothing in the palette', async ({ page }) => {
  await page.goto('/');
  await expect(heading(page, /^Hello/)).toBeVisible();
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('combobox')).toBeFocused();
  await inspect(page, 'palette');
});

test('axe finds nothing on the sign-in and not-found pages', async ({ page, visitor, host }) => {
  await page.goto('/no/such/page');
  await expect(heading(page, 'Page not found')).toBeVisible();
  await inspect(page, 'not-found');
  const out = await visitor();
  await out.goto(`${host.origin}/login`);
  await expect(heading(out, 'Sign in to SAM')).toBeVisible();
  await inspect(out, 'login');
});
