import { expect, heading, patiently, test } from '../host/fixture.ts';

test('the printed link signs in at once, and only once', async ({ freshHost, visitor }) => {
  const page = await visitor();
  await page.goto(freshHost.loginLink);
  await expect(heading(page, /^Hello/)).toBeVisible();
  expect(page.url(), 'the secret is gone from the address').toBe(`${freshHost.origin}/`);

  const other = await visitor();
  await other.goto(freshHost.loginLink);
  await expect(other.getByRole('alert')).toContainText('This link does not work');
  await expect(other.getByText('You run this SAM')).toBeVisible();
});

test('someone signed in is asked before a link switches the account', async ({ page, host }) => {
  await page.goto('/');
  await page.goto(`${host.origin}/login#no-such-link`);
  await expect(heading(page, 'You are already signed in')).toBeVisible();
  await page.getByRole('button', { name: 'Use the link' }).click();
  await patiently(page, 'Try again', page.getByRole('alert').filter({ hasText: 'This link does not work' }));
  await page.getByRole('button', { name: /^Stay signed in/ }).click();
  await expect(heading(page, /^Hello/)).toBeVisible();
});

test('a page asked for before sign-in is remembered', async ({ visitor, host }) => {
  const page = await visitor();
  await page.goto(`${host.origin}/admin/users?status=pending`);
  await expect(heading(page, 'Sign in to SAM')).toBeVisible();
  expect(new URL(page.url()).searchParams.get('next')).toBe('/admin/users?status=pending');
});

test('a session that ended leads to the sign-in page with a note', async ({ page, context }) => {
  await page.goto('/');
  await expect(heading(page, /^Hello/)).toBeVisible();
  await context.clearCookies();
  await page.getByRole('link', { name: 'Profile' }).click();
  await page.getByRole('navigation').getByRole('link', { name: 'Users' }).click();
  await expect(page.getByText('Your session has ended')).toBeVisible();
  expect(new URL(page.url()).searchParams.get('next')).toBe('/admin/users');
});

test('after kill -9 and a restart the browser is still signed in and nothing is lost', async ({
  freshHost,
  visitor,
}) => {
  const page = await visitor();
  await page.goto(freshHost.loginLink);
  await expect(heading(page, /^Hello/)).toBeVisible();
  await page.goto(`${freshHost.origin}/settings/profile`);
  await page.getByLabel('Name').fill('Ada King');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Profile saved')).toBeVisible();

  await freshHost.kill();
  await freshHost.start();

  await page.goto(`${freshHost.origin}/`);
  await expect(heading(page, 'Hello, Ada King')).toBeVisible();
});
