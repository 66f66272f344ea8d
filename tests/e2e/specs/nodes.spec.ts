import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, row, test, thisMachine, withNode } from '../host/workbench.ts';

test('this machine joins by itself, shows how busy it is, drains and resumes', async ({ page }) => {
  await withNode(page);
  await thisMachine(page).getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1, name: 'This machine' })).toBeVisible();
  for (const meter of ['Load', 'Memory', 'Disk'])
    await expect(page.getByRole('meter', { name: meter })).toBeVisible();
  await expect(page.getByText('Kernel')).toBeVisible();

  await page.getByRole('button', { name: 'Drain' }).click();
  await expect(page.getByRole('main').getByText('Draining', { exact: true })).toBeVisible();
  await page.goto('/?new=1');
  await expect(page.getByRole('dialog').getByText('No node is ready')).toBeAttached();
  await page.goBack();
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByRole('main').getByText('Ready', { exact: true })).toBeVisible();
});

test('another machine joins with the printed command, is renamed and removed', async ({ page, host }) => {
  await page.goto('/nodes?new=1');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Make the command' }).click();
  await expect(dialog.getByText('Enter a name.')).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('second machine');
  await dialog.getByRole('button', { name: 'Make the command' }).click();

  const command = await dialog.getByLabel('Command').inputValue();
  expect(command).toContain('/api/agent/install');
  expect(command, 'the download is checked').toContain('--sha256');
  await expect(dialog.getByText(/Works once, for another 1[45]:\d\d/)).toBeVisible();
  const token = /--token '?([^\s']+)/.exec(command)?.[1] ?? '';

  // What the installed service does, with a state folder of its own.
  const agent = process.env['SAM_AGENT_BIN'] ?? '';
  const state = mkdtempSync(join(tmpdir(), 'sam-e2e-agent-'));
  const start = (...args: string[]) =>
    spawn(agent, [...args, '--state-dir', state], { stdio: ['pipe', 'ignore', 'ignore'] });
  const enrol = start('enrol', '--url', host.origin, '--token-stdin');
  enrol.stdin.end(token);
  await new Promise((resolve) => enrol.once('exit', resolve));
  const running = start('run');
  try {
    await expect(dialog.getByText('second machine has joined')).toBeVisible({ timeout: 30_000 });
    await dialog.getByRole('link', { name: 'Open the node' }).click();
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('builder');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'builder' })).toBeVisible();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Nodes' })).toBeVisible();
    await expect(row(page, 'builder')).toHaveCount(0);
  } finally {
    running.kill('SIGTERM');
    rmSync(state, { recursive: true, force: true });
  }
});

test('the command’s secret is gone when its dialog is', async ({ page }) => {
  await page.goto('/nodes?new=1');
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('never comes');
  await page.getByRole('button', { name: 'Make the command' }).click();
  const command = await page.getByRole('textbox', { name: 'Command' }).inputValue();
  const token = /--token '?([^\s']+)/.exec(command)?.[1] ?? '';
  expect(token).not.toBe('');
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).first().click();
  expect(await page.content()).not.toContain(token);
  await row(page, 'never comes').getByRole('link').click();
  await page.getByRole('button', { name: 'Make another command' }).click();
  await expect(page.getByRole('textbox', { name: 'Command' })).not.toHaveValue(command);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(row(page, 'never comes')).toHaveCount(0);
});
