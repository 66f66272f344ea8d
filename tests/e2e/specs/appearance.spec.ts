import { expect, heading, PAGES, test } from '../host/fixture.ts';
import type { Page } from '../host/fixture.ts';

const DARK = 'rgb(14, 15, 18)';
const LIGHT = 'rgb(251, 251, 252)';

function canvas(page: Page): Promise<string> {
  return page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
}

test('the theme follows the system until one is chosen, which then lasts', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto('/settings/profile');
  await expect.poll(() => canvas(page)).toBe(DARK);
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(() => canvas(page)).toBe(LIGHT);

  await page.getByText('Dark', { exact: true }).click();
  await expect.poll(() => canvas(page)).toBe(DARK);
  // Set before the app's own code runs: no flash of the other theme.
  await page.route('**/assets/*.js', (route) => route.abort());
  await page.reload();
  expect(await canvas(page)).toBe(DARK);
});

test('at 390 px the drawer leads everywhere', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 800 });
  await page.goto('/');
  for (const { heading: name } of PAGES.slice(1)) {
    await page.getByRole('button', { name: 'Open menu' }).click();
    await page
      .getByRole('dialog')
      .getByRole('link', { name: String(name), exact: true })
      .click();
    await expect(heading(page, name)).toBeVisible();
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }
});

for (const width of [320, 390, 768, 1440]) {
  test(`nothing is wider than the screen at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    for (const { path, heading: name } of PAGES) {
      await page.goto(path);
      await expect(heading(page, name)).toBeVisible();
      await expect(page.getByRole('status')).toHaveCount(0);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, path).toBeLessThanOrEqual(0);
    }
  });
}

test('the app can be installed', async ({ page }) => {
  await page.goto('/');
  const href = await page.locator('link[rel=manifest]').getAttribute('href');
  const manifest = await (await page.request.get(href ?? '')).json();
  expect(manifest).toMatchObject({ short_name: 'SAM', display: 'standalone', start_url: '/' });
  for (const icon of manifest.icons) expect((await page.request.get(icon.src)).status()).toBe(200);
});
