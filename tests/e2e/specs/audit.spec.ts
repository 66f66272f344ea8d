import { expect, test } from '../host/fixture.ts';
import type { Page } from '../host/fixture.ts';

/** One row of the audit log, without the browser. */
async function saveProfile(page: Page, origin: string, email: string): Promise<void> {
  const saved = await page.request.patch('/api/account/profile', { data: { email }, headers: { origin } });
  expect(saved.status()).toBe(200);
}

test('filters are in the address and survive a reload', async ({ page, host }) => {
  await saveProfile(page, host.origin, 'filtered@example.com');
  await page.goto('/admin/audit');
  await page.getByLabel('Action').selectOption({ label: 'Changed their profile' });
  await expect(page).toHaveURL(/\?action=account\.profile\.update$/);
  const rows = page.getByRole('main').locator('tbody tr');
  await expect(rows.first()).toContainText('Changed their profile');
  await rows.getByRole('link').first().click();
  await expect(page).toHaveURL(/actor=/);
  await page.reload();
  await expect(page.getByText('Only by')).toBeVisible();
  await expect(rows.filter({ hasNotText: 'Changed their profile' })).toHaveCount(0);
  await page.getByRole('link', { name: 'Clear filter' }).click();
  await expect(page).toHaveURL(/\/admin\/audit$/);
});

test('older pages are reached by cursor, and Newest leads back', async ({ page, host }) => {
  // A page holds 50 rows; saving the profile often is the quickest way to have more.
  for (let n = 0; n < 51; n++) {
    await saveProfile(page, host.origin, `n${n}@example.com`);
  }
  await page.goto('/admin/audit');
  const first = page.getByRole('main').locator('tbody tr').first();
  const newest = await first.locator('code').last().textContent();
  await page.getByRole('link', { name: 'Older' }).click();
  await expect(page).toHaveURL(/cursor=/);
  await expect(first.locator('code').last()).not.toHaveText(newest ?? '');
  await page.getByRole('link', { name: 'Newest' }).click();
  await expect(first.locator('code').last()).toHaveText(newest ?? '');
});
