import { expect, heading, test } from '../host/fixture.ts';

test.beforeEach(async ({ page }) => {
  await page.goto('/');
  await expect(heading(page, /^Hello/)).toBeVisible();
});

test('the palette opens a page without the mouse', async ({ page }) => {
  await page.keyboard.press('Control+k');
  const input = page.getByRole('combobox');
  await expect(input).toBeFocused();
  await page.keyboard.type('audit');
  await expect(page.getByRole('option', { selected: true })).toHaveText(/Go to Audit/);
  await page.keyboard.press('Enter');
  await expect(heading(page, 'Audit')).toBeFocused();
});

test('arrow keys wrap, nothing found is said, Escape returns the focus', async ({ page }) => {
  const button = page.getByRole('button', { name: /^Jump to/ });
  await button.focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowUp');
  await expect(page.getByRole('option', { selected: true })).toHaveText(/Sign out/);
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('option', { selected: true })).toHaveText(/Go to Home/);
  await page.keyboard.type('zzz');
  await expect(page.getByText('Nothing matches “zzz”.')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(button).toBeFocused();
});

test('the palette runs actions', async ({ page }) => {
  await page.keyboard.press('Control+k');
  await page.keyboard.type('invite someone');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Invite someone' })).toBeVisible();
  await expect(page.getByLabel('Note')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page).toHaveURL(/\/admin\/invites$/);
});

test('shortcuts go to pages and are listed under ?', async ({ page }) => {
  await page.keyboard.press('g');
  await page.keyboard.press('u');
  await expect(heading(page, 'Users')).toBeVisible();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
});

test('shortcuts do nothing while typing', async ({ page }) => {
  await page.goto('/settings/profile');
  await page.getByLabel('Name').press('g');
  await page.getByLabel('Name').press('u');
  await expect(heading(page, 'Profile')).toBeVisible();
});

test('the skip link leads past the navigation', async ({ page }) => {
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
});
