import { expect, row, test } from '../host/fixture.ts';

test('a token is shown once, works with Bearer, is audited, and stops working when revoked', async ({
  page,
  host,
}) => {
  await page.goto('/settings/tokens');
  await page.getByRole('link', { name: 'New token' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Create token' }).click();
  await expect(dialog.getByText('Enter a name.')).toBeVisible();
  await dialog.getByLabel('Name').fill('backup script');
  await dialog.getByRole('button', { name: 'Create token' }).click();

  const token = await dialog.getByLabel('Token', { exact: true }).inputValue();
  expect(token).toMatch(/^sam_/);
  await expect(dialog.getByLabel('Try it')).toHaveValue(new RegExp(`curl .*${token}`));
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(row(page, 'backup script')).toContainText('Never used');
  expect(await page.content()).not.toContain(token);

  const me = (): Promise<Response> =>
    fetch(`${host.origin}/api/auth/me`, { headers: { authorization: `Bearer ${token}` } });
  expect((await me()).status).toBe(200);

  await page.getByRole('navigation').getByRole('link', { name: 'Audit' }).click();
  const entry = page.getByRole('row').filter({ hasText: 'Created an API token' }).first();
  await expect(entry).toBeVisible();
  await expect(async () => {
    await page.getByRole('button', { name: 'Refresh' }).click();
    await expect(entry.getByTitle('Sealed')).toBeVisible({ timeout: 1_000 });
  }).toPass();

  await page.goto('/settings/tokens');
  await row(page, 'backup script').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(row(page, 'backup script')).toHaveCount(0);
  expect((await me()).status).toBe(401);
});
