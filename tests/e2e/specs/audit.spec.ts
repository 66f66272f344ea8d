import { expect, test } from '../host/fixture.ts';

test('filters are in the address and survive a reload', async ({ page }) => {
  await page.goto('/admin/audit');
  await page.getByLabel('Action').selectOption({ label: 'Signed in' });
  await expect(page).toHaveURL(/\?action=auth\.login$/);
  const rows = page.getByRole('main').locator('tbody tr');
  await expect(rows.first()).toContainText('Signed in');
  await rows.getByRole('link').first().click();
  await expect(page).toHaveURL(/actor=/);
  await page.reload();
  await expect(page.getByText('Only by')).toBeVisible();
  await expect(rows.filter({ hasNotText: 'Signed in' })).toHaveCount(0);
  await page.getByRole('link', { name: 'Clear filter' }).click();
  await expect(page).toHaveURL(/\/admin\/audit$/);
});

test('older pages are reached by cursor, and Newest leads back', async ({ page, host }) => {
  // A page holds 50 rows; saving the profile often is the quickest way to have more.
  await page.goto('/settings/profile');
  for (let n = 0; n < 51; n++) {
    const saved = await page.request.patch('/api/account/profile', {
      data: { email: `n${n}@example.com` },
      headers: { origin: host.origin },
    });
    expect(saved.status()).toBe(200);
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
