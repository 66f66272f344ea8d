import { expect, heading, invite, join, open, row, test } from '../host/fixture.ts';
import type { Page } from '../host/fixture.ts';

async function linkFor(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Sign in on another device' }).click();
  const link = await page.getByLabel('Sign-in link').inputValue();
  await page.getByRole('button', { name: 'Done' }).click();
  return link;
}

test('a second device signs in by link, is listed, and is signed out from the first', async ({
  page,
  visitor,
}) => {
  await page.goto('/settings/sessions');
  const link = await linkFor(page);
  const phone = await visitor();
  await open(phone, link, heading(phone, /^Hello/));

  await page.reload();
  await expect(row(page, 'This browser')).toHaveCount(1);
  const others = page.getByRole('main').getByRole('button', { name: 'Sign out', exact: true });
  await expect(others).toHaveCount(1);
  await others.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  await expect(others).toHaveCount(0);

  await phone.reload();
  await expect(heading(phone, 'Sign in to SAM')).toBeVisible();
});

test('signing out everywhere ends every session of that user, this one too', async ({ page, visitor }) => {
  const guest = await visitor();
  await join(guest, await invite(page, 'everywhere'), 'Two Devices');
  await page.goto('/admin/users?status=pending');
  await row(page, 'Two Devices').getByRole('button', { name: 'Approve' }).click();
  await expect(heading(guest, 'Hello, Two Devices')).toBeVisible();

  await guest.getByRole('navigation').getByRole('link', { name: 'Sessions' }).click();
  const phone = await visitor();
  await open(phone, await linkFor(guest), heading(phone, 'Hello, Two Devices'));

  await guest.getByRole('button', { name: 'Sign out everywhere' }).click();
  await guest.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
  await expect(heading(guest, 'Sign in to SAM')).toBeVisible();
  await phone.reload();
  await expect(heading(phone, 'Sign in to SAM')).toBeVisible();
});
