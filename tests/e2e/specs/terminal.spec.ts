import { create, expect, inTerminal, remove, run, running, screen, test } from '../host/workbench.ts';

test('the same shell and screen after a reload, a killed agent, a killed host, and on another device', async ({
  page,
  context,
  host,
  repository,
}) => {
  test.setTimeout(240_000);
  await create(page, repository.path, { name: 'lasting' });
  await running(page);
  await inTerminal(page);
  await run(page, 'SECRET=4711; echo before-$((SECRET))', 'before-4711');
  const address = page.url();

  await page.reload();
  await expect(screen(page)).toContainText('before-4711');
  await inTerminal(page);
  await run(page, 'echo reloaded-$((SECRET + 1))', 'reloaded-4712');

  // The agent dies; what is typed meanwhile arrives once.
  for (const pid of host.children('sam-agent')) process.kill(pid, 'SIGKILL');
  await page.keyboard.type('echo agent-$((SECRET + 2))\n');
  await expect(screen(page)).toContainText('agent-4713', { timeout: 60_000 });
  const lines = (await screen(page).innerText()).split('\n').map((line) => line.trim());
  expect(lines.filter((line) => line === 'agent-4713')).toHaveLength(1);
  await expect(screen(page), 'the screen was kept').toContainText('before-4711');

  await host.kill();
  await expect(page.getByText('Reconnecting')).toBeVisible();
  await host.start();
  await expect(page.locator('.view:not([hidden]) footer').getByText('Connected')).toBeAttached({
    timeout: 90_000,
  });
  await page.locator('.view:not([hidden]) .xterm-screen').click();
  await run(page, 'echo host-$((SECRET + 3))', 'host-4714');
  await expect(page.getByText('Some output was lost')).toHaveCount(0);

  // Another tab of the same terminal sees and types the same.
  const other = await context.newPage();
  await other.goto(address);
  await inTerminal(other);
  await expect(screen(other)).toContainText('host-4714');
  await run(other, 'echo other-$((SECRET + 4))', 'other-4715');
  await expect(screen(page)).toContainText('other-4715');

  // One that only watches cannot type.
  await other.goto(`${address}?watch=1`);
  await expect(other.getByText('Watching', { exact: true })).toBeVisible();
  await other.locator('.view:not([hidden]) .xterm-screen').click();
  await other.keyboard.type('echo watcher-typed\n');
  await run(page, 'echo after-$((SECRET + 5))', 'after-4716');
  await expect(screen(other)).toContainText('after-4716');
  await expect(screen(other)).not.toContainText('watcher-typed');
  await other.close();
  await remove(page, 'lasting');
});

test('tabs have names and addresses; a shell that ends says how; Ctrl-C stops a flood', async ({
  page,
  repository,
}) => {
  await create(page, repository.path, { name: 'tabs' });
  await running(page);
  await inTerminal(page);
  await run(page, 'echo in-$((1))st', 'in-1st');
  const first = page.url();
  await page.getByRole('button', { name: 'New terminal' }).click();
  await expect(page).not.toHaveURL(first);
  await inTerminal(page);
  await run(page, 'echo in-$((2))nd', 'in-2nd');

  // The keyboard leaves the terminal, renames the tab, and comes back.
  await page.keyboard.press('Control+Shift+ArrowUp');
  await page.keyboard.press('F2');
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('server');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('link', { name: 'server', exact: true })).toBeVisible();
  await page.reload();
  await expect(page.getByRole('link', { name: 'server', exact: true })).toHaveAttribute(
    'aria-current',
    'page',
  );

  await inTerminal(page);
  await page.keyboard.type('yes\n');
  await expect(screen(page)).toContainText('y');
  await page.keyboard.press('Control+c');
  await run(page, 'clear; echo stop""ped', 'stopped');

  await page.keyboard.press('Control+Shift+f');
  await page.getByLabel('Search in the terminal').fill('stopped');
  await expect(page.getByText(/^1 of \d/)).toBeVisible();
  await page.keyboard.press('Escape');

  await page.keyboard.type('exit 3\n');
  await expect(page.getByText('The shell ended with code 3.')).toBeVisible();
  await page.getByRole('button', { name: 'Close server' }).click();
  await expect(page).toHaveURL(first);
  await expect(screen(page)).toContainText('in-1st');
  await remove(page, 'tabs');
});

test('a program writes to the clipboard only when asked, and never reads it', async ({
  page,
  context,
  repository,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await create(page, repository.path, { name: 'clipboard' });
  await running(page);
  await inTerminal(page);
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  await page.keyboard.type('printf "\\033]52;c;?\\007\\033]52;c;%s\\007" "$(printf theirs | base64)"\n');
  const question = page.getByRole('alert').filter({ hasText: 'A program wants to copy' });
  await expect(question).toContainText('theirs');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
  await question.getByRole('button', { name: 'Refuse' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
  // The command itself shows the sequence once; an answer to the question would show it again.
  expect((await screen(page).innerText()).split('52;c;')).toHaveLength(3);
  await remove(page, 'clipboard');
});

test('at 390 px with a finger there are keys for what the keyboard lacks', async ({
  browser,
  page,
  host,
  repository,
}) => {
  await create(page, repository.path, { name: 'phone' });
  await running(page);
  await inTerminal(page);
  const phone = await browser.newContext({
    viewport: { width: 390, height: 700 },
    hasTouch: true,
    isMobile: true,
    storageState: await page.context().storageState(),
  });
  await phone.addInitScript(() => localStorage.setItem('sam.terminal.reader', 'on'));
  const touched = await phone.newPage();
  await touched.goto(new URL(new URL(page.url()).pathname, host.origin).href);
  await expect(touched.locator('.view:not([hidden]) footer').getByText('Connected')).toBeAttached();
  await touched.locator('.view:not([hidden]) .xterm-screen').tap();
  await touched.keyboard.type('sleep 600');
  await touched.keyboard.press('Enter');
  await touched.getByRole('button', { name: 'Ctrl' }).tap();
  await touched.keyboard.type('c');
  await touched.keyboard.type('echo mobile-$((3 * 3))');
  await touched.keyboard.press('Enter');
  await expect(screen(touched)).toContainText('mobile-9');
  const overflow = await touched.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  await phone.close();
  await remove(page, 'phone');
});
