// axe on every screen in both themes. The screenshots it leaves are for people to look at.
import { inspect } from '../host/axe.ts';
import { expect, heading, PAGES, test } from '../host/fixture.ts';

for (const { path, heading: name } of PAGES) {
  test(`axe finds nothing on ${path}`, async ({ page }) => {
    await page.goto(path);
    await expect(heading(page, name)).toBeVisible();
    await expect(page.getByRole('status')).toHaveCount(0);
    await inspect(page, path === '/' ? 'home' : path.slice(1).replace('/', '-'));
  });
}

const DIALOGS = [
  { path: '/?new=1', name: 'New workspace', file: 'new-workspace' },
  { path: '/nodes?new=1', name: 'Add a node', file: 'new-node' },
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
