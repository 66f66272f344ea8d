// What every test starts from: a host, and a browser in which its superadministrator is signed in.
import { test as base, expect, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { SamHost } from './sam-host.ts';

type StorageState = Awaited<ReturnType<BrowserContext['storageState']>>;

interface WorkerFixtures {
  /** Shared by all tests that leave it as they found it, or do not care. */
  host: SamHost;
  /** Cookies of the superadministrator on `host`. One sign-in for all: sign-in is rate limited. */
  operator: StorageState;
}

interface TestFixtures {
  /** A host of the test's own: to sign in for the first time, or to be killed. */
  freshHost: SamHost;
  /** A page of a browser in which nobody is signed in; as many as the test asks for. */
  visitor: () => Promise<Page>;
  /** Fails the test when a page broke the content security policy or threw. */
  clean: void;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  host: [
    async ({}, use) => {
      const host = new SamHost();
      await host.start();
      await use(host);
      await host.stop();
    },
    { scope: 'worker', timeout: 150_000 },
  ],

  operator: [
    async ({ browser, host }, use) => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(host.loginLink);
      await expect(page.getByRole('heading', { level: 1, name: /^Hello/ })).toBeVisible();
      await use(await context.storageState());
      await context.close();
    },
    { scope: 'worker' },
  ],

  freshHost: [
    async ({}, use) => {
      const host = new SamHost();
      await host.start();
      await use(host);
      await host.stop();
    },
    { timeout: 150_000 },
  ],

  baseURL: async ({ host }, use) => use(host.origin),
  storageState: async ({ operator }, use) => use(operator),

  visitor: async ({ browser, viewport }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext({ viewport, storageState: { cookies: [], origins: [] } });
      contexts.push(context);
      return context.newPage();
    });
    await Promise.all(contexts.map((context) => context.close()));
  },

  clean: [
    async ({ page }, use) => {
      const broken: string[] = [];
      page.on('pageerror', (error) => broken.push(String(error)));
      page.on('console', (message) => {
        if (message.text().includes('Content Security Policy')) broken.push(message.text());
      });
      await use();
      expect(broken, 'uncaught errors and policy violations').toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
export type { Page };

/** Every page behind the sign-in, by its address and heading. */
export const PAGES = [
  { path: '/', heading: /^Hello/ },
  { path: '/nodes', heading: 'Nodes' },
  { path: '/settings/profile', heading: 'Profile' },
  { path: '/settings/sessions', heading: 'Sessions' },
  { path: '/settings/tokens', heading: 'API tokens' },
  { path: '/admin/users', heading: 'Users' },
  { path: '/admin/invites', heading: 'Invites' },
  { path: '/admin/audit', heading: 'Audit' },
  { path: '/admin/health', heading: 'Health' },
] as const;

export function heading(page: Page, name: string | RegExp) {
  return page.getByRole('heading', { level: 1, name });
}

/** The list row that says this. */
export function row(page: Page, words: string | RegExp) {
  return page.getByRole('main').getByRole('listitem').filter({ hasText: words });
}

/** Makes an invitation in the operator's browser and returns its link. */
export async function invite(page: Page, note: string): Promise<string> {
  await page.goto('/admin/invites?new=1');
  await page.getByLabel('Note').fill(note);
  await page.getByRole('button', { name: 'Create link' }).click();
  const link = await page.getByLabel('Invitation link').inputValue();
  await page.getByRole('button', { name: 'Done' }).click();
  return link;
}

/**
 * Waits for `expected`, pressing `button` again whenever the page says that there were too many tries: all browsers of
 * a run share one address, and sign-in is limited to ten tries a minute.
 */
export async function patiently(page: Page, button: string, expected: Locator): Promise<void> {
  await expect(async () => {
    if (await page.getByText('Too many requests').isVisible())
      await page.getByRole('button', { name: button }).click();
    await expect(expected).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 70_000 });
}

/** Opens a sign-in or invitation link and waits for what it leads to. */
export async function open(page: Page, link: string, expected: Locator): Promise<void> {
  await page.goto(link);
  await patiently(page, 'Try again', expected);
}

/** Opens a link that no longer works. */
export async function openRefused(page: Page, link: string): Promise<void> {
  await open(page, link, page.getByRole('alert').filter({ hasText: 'This link does not work' }));
}

/** Redeems an invitation as a new person, who then waits for approval. */
export async function join(page: Page, link: string, name: string): Promise<void> {
  await open(page, link, heading(page, 'You are invited'));
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join SAM' }).click();
  await patiently(page, 'Join SAM', heading(page, 'Waiting for approval'));
}
