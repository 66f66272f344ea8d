import { expect, heading, invite, join, openRefused, row, test } from '../host/fixture.ts';

test('invited, approved, suspended and reinstated: each takes effect in the other browser by itself', async ({
  page,
  visitor,
}) => {
  const link = await invite(page, 'for Grace');
  await expect(row(page, 'for Grace')).toBeVisible();

  await page.goto('/admin/users');
  const grace = await visitor();
  await join(grace, link, 'Grace Hopper');

  // The list was open before she came: the event stream brings her.
  const herRow = row(page, 'Grace Hopper');
  await expect(herRow).toContainText('Pending');
  await herRow.getByRole('button', { name: 'Approve' }).click();
  await expect(page.getByText('Grace Hopper is approved')).toBeVisible();
  await expect(heading(grace, 'Hello, Grace Hopper')).toBeVisible();
  await expect(grace.getByRole('navigation').getByRole('link', { name: 'Users' })).toHaveCount(0);

  await grace.goto(new URL('/admin/users', grace.url()).href);
  await expect(heading(grace, 'Page not found')).toBeVisible();

  await herRow.getByRole('button', { name: 'Actions for Grace Hopper' }).click();
  await page.getByRole('menuitem', { name: 'Suspend' }).click();
  await page.getByLabel('Reason').fill('a test');
  await page.getByRole('button', { name: 'Suspend' }).click();
  await expect(herRow).toContainText('Suspended');
  await expect(herRow).toContainText('a test');
  await expect(heading(grace, /^(Sign in to SAM|Your account is suspended)$/)).toBeVisible();

  await herRow.getByRole('button', { name: 'Actions for Grace Hopper' }).click();
  await page.getByRole('menuitem', { name: 'Reinstate' }).click();
  await expect(page.getByText('Grace Hopper is reinstated')).toBeVisible();
  await expect(herRow).not.toContainText('Suspended');
});

test('an invitation works once, and not after it was revoked', async ({ page, visitor }) => {
  const used = await invite(page, 'used twice');
  await join(await visitor(), used, 'First Guest');
  const second = await visitor();
  await openRefused(second, used);

  const revoked = await invite(page, 'changed my mind');
  await row(page, 'changed my mind').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(row(page, 'changed my mind')).toHaveCount(0);
  const third = await visitor();
  await openRefused(third, revoked);
});

test('the status filter is in the address', async ({ page }) => {
  await page.goto('/admin/users');
  await page.getByText('Suspended', { exact: true }).click();
  await expect(page).toHaveURL(/\?status=suspended$/);
  await expect(page.getByText('Nobody is suspended.')).toBeVisible();
  await page.reload();
  await expect(page.getByRole('radio', { name: 'Suspended' })).toBeChecked();
  await page.goBack();
  await expect(page.getByRole('radio', { name: 'All' })).toBeChecked();
});
