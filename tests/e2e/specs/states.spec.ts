// Failures that a healthy host does not show: answers are forced in the browser.
import { expect, heading, test } from '../host/fixture.ts';
import type { Page } from '../host/fixture.ts';

const REQUEST_ID = '01jd0000000000000000000000';

/** Fails the next `times` answers of this path with our envelope. */
async function fail(page: Page, path: string, times: number, status = 500): Promise<void> {
  await page.route(
    (url) => url.pathname === path,
    (route) =>
      route.fulfill({
        status,
        json: { error: 'INTERNAL_ERROR', message: 'The database did not answer.', request_id: REQUEST_ID },
      }),
    { times },
  );
}

const LISTS = [
  { path: '/settings/sessions', api: '/api/auth/sessions', then: 'This browser' },
  { path: '/settings/tokens', api: '/api/tokens', then: 'No tokens yet' },
  { path: '/admin/users', api: '/api/admin/users', then: 'You' },
  { path: '/admin/audit', api: '/api/admin/audit', then: 'Actor' },
  { path: '/admin/health', api: '/api/admin/health', then: 'Queues' },
];

for (const { path, api, then } of LISTS) {
  test(`${path} says why it could not load, with the request id, and tries again`, async ({ page }) => {
    await fail(page, api, 1);
    await page.goto(path);
    const note = page.getByRole('alert');
    await expect(note).toContainText('Could not load');
    await expect(note).toContainText('The database did not answer.');
    await expect(note).toContainText(REQUEST_ID);
    await note.getByRole('button', { name: 'Try again' }).click();
    await expect(page.getByRole('main').getByText(then, { exact: true }).first()).toBeVisible();
    await expect(note).toHaveCount(0);
  });
}

test('a form that fails keeps what was typed', async ({ page }) => {
  await page.goto('/settings/tokens?new=1');
  await page.route('**/api/tokens', (route) =>
    route.request().method() === 'POST' ? route.abort() : route.fallback(),
  );
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('kept');
  await dialog.getByRole('button', { name: 'Create token' }).click();
  await expect(dialog.getByRole('alert')).toContainText('The server did not answer');
  await expect(dialog.getByLabel('Name')).toHaveValue('kept');
});

test('a host that is down when the app opens is said so, and tried again', async ({ page }) => {
  await page.route('**/api/auth/me', (route) => route.abort(), { times: 1 });
  await page.goto('/');
  await expect(heading(page, 'SAM is not answering')).toBeVisible();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(heading(page, /^Hello/)).toBeVisible();
});

test('empty lists say what to do next', async ({ page }) => {
  await page.route('**/api/admin/audit*', (route) =>
    route.fulfill({ json: { items: [], next_cursor: null } }),
  );
  await page.goto('/admin/audit');
  await expect(page.getByText('Each change made through the API adds one.')).toBeVisible();
  await page.goto('/settings/tokens');
  await page.getByRole('main').getByRole('link', { name: 'New token' }).last().click();
  await expect(page.getByRole('dialog')).toBeVisible();
});

test('an unknown address has a page, and an unknown API path a JSON answer', async ({ page }) => {
  await page.goto('/no/such/page');
  await expect(heading(page, 'Page not found')).toBeVisible();
  await page.getByRole('link', { name: 'Go to Home' }).click();
  await expect(heading(page, /^Hello/)).toBeVisible();
  const answer = await page.request.get('/api/no/such/route');
  expect(answer.status()).toBe(404);
  expect(await answer.json()).toMatchObject({ error: 'NOT_FOUND' });
});
