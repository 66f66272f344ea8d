// A host whose own machine is a node, repositories made on the spot, and what a person does with workspaces.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test as base, expect, row, type Page } from './fixture.ts';
import { SamHost } from './sam-host.ts';

/** The agent starts, joins and reports; with a Docker engine it also looks at its images. */
const NODE_READY_MS = 60_000;
/** The first workspace may have to wait for the base image. */
const RUNNING_MS = 120_000;

interface Repository {
  path: string;
  git: (...args: string[]) => string;
}

interface WorkbenchFixtures {
  /** A real repository with two branches and a test that passes. */
  repository: Repository;
  /** The emulator keeps text beside its picture, so that a test can read it. */
  readableTerminals: void;
}

export const test = base.extend<WorkbenchFixtures, { host: SamHost }>({
  host: [
    async ({}, use) => {
      const host = new SamHost({ node: true });
      await host.start();
      await use(host);
      await host.stop();
    },
    { scope: 'worker', timeout: 150_000 },
  ],

  repository: async ({}, use) => {
    const path = mkdtempSync(join(tmpdir(), 'sam-e2e-repo-'));
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', path, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    git('init', '--quiet', '--initial-branch=main');
    const files = {
      'README.md': '# Rocket\n\nGoes up.\n',
      'src/greet.sh': '#!/bin/sh\necho "Hello, ${1:-world}!"\n',
      'test.sh': '#!/bin/sh\n[ "$(sh src/greet.sh Ada)" = "Hello, Ada!" ] && echo "tests: pass"\n',
    };
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), content);
    }
    git('add', '.');
    git('commit', '--quiet', '-m', 'Greet');
    git('branch', 'feature/thrust');
    await use({ path, git });
    rmSync(path, { recursive: true, force: true });
  },

  readableTerminals: [
    async ({ context }, use) => {
      await context.addInitScript(() => localStorage.setItem('sam.terminal.reader', 'on'));
      await use();
    },
    { auto: true },
  ],
});

export { expect, row };
export type { Page };

/** This machine among the nodes; rows of its workspaces name it too. */
export function thisMachine(page: Page) {
  const link = page.getByRole('link', { name: 'This machine', exact: true });
  return page.getByRole('main').getByRole('listitem').filter({ has: link });
}

/** Opens the dashboard and waits until this machine takes workspaces. */
export async function withNode(page: Page): Promise<void> {
  await page.goto('/');
  await expect(thisMachine(page)).toContainText('Ready', { timeout: NODE_READY_MS });
}

interface Wanted {
  name: string;
  branch?: string;
  isolation?: 'Docker container' | 'Plain processes';
}

/** Makes a workspace by the dialog; its page is open afterwards. */
export async function create(page: Page, repository: string, wanted: Wanted): Promise<void> {
  await withNode(page);
  await page.getByRole('link', { name: 'New workspace' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'New workspace' });
  await dialog.getByRole('textbox', { name: 'Repository' }).fill(repository);
  if (wanted.branch) {
    // Read from the remote, by the node.
    const branches = dialog.getByRole('combobox', { name: 'Branch' });
    await expect(branches).toBeVisible();
    await branches.selectOption(wanted.branch);
  }
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill(wanted.name);
  if (wanted.isolation) {
    await dialog.getByText('Advanced').click();
    await dialog.getByRole('combobox', { name: 'Isolation' }).selectOption({ label: wanted.isolation });
  }
  await dialog.getByRole('button', { name: 'Create workspace' }).click();
  await expect(page.getByRole('heading', { level: 1, name: wanted.name })).toBeVisible();
}

export async function running(page: Page): Promise<void> {
  await expect(page.getByRole('main').getByText('Running', { exact: true }).first()).toBeVisible({
    timeout: RUNNING_MS,
  });
}

/** The rows of the terminal that is shown. */
export function screen(page: Page) {
  return page.locator('.view:not([hidden]) .xterm-accessibility-tree');
}

/** Waits until the shown terminal is connected, and gives it the focus. */
export async function inTerminal(page: Page): Promise<void> {
  await expect(page.locator('.view:not([hidden]) footer').getByText('Connected')).toBeAttached();
  await page.locator('.view:not([hidden]) .xterm-screen').click();
}

/** Types a line and waits for words of its output. They must not be in the line itself. */
export async function run(page: Page, line: string, expected: string): Promise<void> {
  await page.keyboard.type(`${line}\n`);
  await expect(screen(page)).toContainText(expected, { timeout: 30_000 });
}

export function part(page: Page, name: string | RegExp) {
  return page.getByRole('navigation', { name: 'Parts of the workspace' }).getByRole('link', { name });
}

/** Chooses in the workspace's menu, and answers the question that follows. */
export async function choose(page: Page, action: string): Promise<void> {
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: action }).click();
  await page.getByRole('dialog').getByRole('button', { name: action }).click();
}

/** Deletes the open workspace and waits until the node has confirmed it: the row is gone. */
export async function remove(page: Page, name: string): Promise<void> {
  await choose(page, 'Delete');
  await expect(page.getByRole('heading', { level: 1, name: /^Hello/ })).toBeVisible();
  await expect(row(page, name)).toHaveCount(0, { timeout: 60_000 });
}
