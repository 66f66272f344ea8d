import { execFileSync } from 'node:child_process';
import { inspect } from '../host/axe.ts';
import {
  choose,
  create,
  expect,
  inTerminal,
  part,
  remove,
  row,
  run,
  running,
  test,
  withNode,
} from '../host/workbench.ts';

const containers = (): string =>
  execFileSync('docker', ['ps', '-a', '--format', '{{.Names}} {{.Labels}}'], { encoding: 'utf8' });

test('a repository becomes a Docker workspace: terminal, files, git, port; deleting leaves nothing', async ({
  page,
  context,
  repository,
}) => {
  await create(page, repository.path, {
    name: 'rocket',
    branch: 'feature/thrust',
    isolation: 'Docker container',
  });
  const id = new URL(page.url()).pathname.split('/')[2] ?? '';
  await running(page);
  await expect(page).toHaveURL(/\/terminals\/[^/]+$/);
  await inTerminal(page);
  await run(page, 'sh test.sh', 'tests: pass');
  await run(page, 'git rev-parse --abbrev-ref HEAD', 'feature/thrust');

  // Files: what the terminal made is there; edit it here and see it there.
  await page.keyboard.type('printf "one\\n" > notes.txt; echo made\n');
  await part(page, 'Files').click();
  await page.getByRole('link', { name: 'notes.txt' }).click();
  await expect(page.getByRole('region', { name: 'Content' })).toContainText('one');
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('textbox', { name: 'Content' }).fill('two\n');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.getByRole('link', { name: 'Workspace', exact: true }).click();
  await page.getByLabel('Upload').setInputFiles({
    name: 'up.bin',
    mimeType: 'application/octet-stream',
    buffer: Buffer.alloc(3 * 1024 * 1024, 7),
  });
  await expect(page.getByRole('row').filter({ hasText: 'up.bin' })).toContainText('3.0 MiB');
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Actions for up.bin' }).click();
  await page.getByRole('menuitem', { name: 'Download' }).click();
  expect((await waiting).suggestedFilename()).toBe('up.bin');

  // Git: the change is listed and shown, and gone once it is committed.
  await part(page, 'Terminal').click();
  await inTerminal(page);
  await run(page, 'cat notes.txt; echo ahoy >> README.md; wc -c < up.bin', '3145728');
  await part(page, 'Git').click();
  await page.getByRole('link', { name: 'README.md' }).click();
  const diff = page.getByRole('region', { name: 'Changes of README.md' });
  await expect(diff.getByRole('row').filter({ hasText: 'ahoy' })).toBeVisible();
  await part(page, 'Terminal').click();
  await inTerminal(page);
  await run(
    page,
    'git add . && git -c user.name=A -c user.email=a@b.c commit -qm x && echo comm""itted',
    'committed',
  );
  await part(page, 'Git').click();
  await expect(page.getByText('Nothing changed')).toBeVisible();

  // A server that was started in the terminal is found and opened.
  await part(page, 'Terminal').click();
  await inTerminal(page);
  await page.keyboard.type('python3 -m http.server 8123 || busybox httpd -f -p 8123\n');
  await part(page, /^Ports/).click();
  await expect(row(page, '8123')).toBeVisible({ timeout: 30_000 });
  const opening = context.waitForEvent('page');
  await page.getByRole('button', { name: 'Open port 8123' }).click();
  const port = await opening;
  await expect(port.getByText('README.md')).toBeVisible();
  expect(new URL(port.url()).hostname).toBe(`ws-${id}--8123.localhost`);
  await port.close();

  // Boot log: every step with its time.
  await part(page, 'Boot log').click();
  await expect(page.getByRole('list', { name: 'Steps of the start' }).getByRole('listitem')).not.toHaveCount(
    0,
  );

  expect(containers()).toContain(id);
  await remove(page, 'rocket');
  expect(containers()).not.toContain(id);
});

test('a start that fails names the step, shows its log, and is tried again', async ({ page, repository }) => {
  const missing = `${repository.path}-later`;
  await create(page, missing, { name: 'late' });
  const failure = page.getByRole('alert').filter({ hasText: 'Failed at: Clone the repository' });
  await expect(failure).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('list', { name: 'Steps of the start' }).locator('pre').last()).toContainText(
    /\S/,
  );

  execFileSync('git', ['clone', '--quiet', repository.path, missing]);
  await failure.getByRole('button', { name: 'Try again' }).click();
  await running(page);
  await remove(page, 'late');
  execFileSync('rm', ['-rf', missing]);
});

test('stopping keeps the files, starting brings them back, and the dashboard follows', async ({
  page,
  context,
  repository,
}) => {
  await create(page, repository.path, { name: 'pausing', isolation: 'Plain processes' });
  await running(page);
  await inTerminal(page);
  await run(page, 'echo kept > kept.txt; echo wri""tten', 'written');
  const dashboard = await context.newPage();
  await withNode(dashboard);
  await choose(page, 'Stop');
  await expect(row(dashboard, 'pausing')).toContainText('Stopped', { timeout: 30_000 });
  await expect(page.getByText('This workspace is stopped')).toBeVisible();
  await page.getByRole('button', { name: 'Start' }).click();
  await running(page);
  await part(page, 'Files').click();
  await expect(page.getByRole('link', { name: 'kept.txt' })).toBeVisible();
  await remove(page, 'pausing');
  await expect(row(dashboard, 'pausing')).toHaveCount(0);
});

test('an edit over someone else’s change is not lost and overwrites nothing', async ({
  page,
  repository,
}) => {
  await create(page, repository.path, { name: 'conflict', isolation: 'Plain processes' });
  await running(page);
  await inTerminal(page);
  await part(page, 'Files').click();
  await page.getByRole('link', { name: 'README.md' }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('textbox', { name: 'Content' }).fill('mine\n');
  await part(page, 'Terminal').click();
  await inTerminal(page);
  await run(page, 'sleep 1; echo theirs > README.md; echo chan""ged', 'changed');
  await page.goBack();
  await expect(page.getByRole('textbox', { name: 'Content' })).toHaveValue('mine\n');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('alert')).toContainText('Someone else changed this file');
  await page.getByRole('button', { name: 'Drop mine and load theirs' }).click();
  await expect(page.getByRole('textbox', { name: 'Content' })).toHaveValue('theirs\n');
  await remove(page, 'conflict');
});

test('axe finds nothing in any part of a workspace', async ({ page, repository }) => {
  await create(page, repository.path, { name: 'rocket' });
  await running(page);
  await inTerminal(page);
  await run(page, 'echo "* faster" >> README.md; ls; sh test.sh', 'tests: pass');
  await inspect(page, 'workspace-terminal');
  const parts = [
    { name: 'Files', shows: page.getByRole('link', { name: 'README.md' }) },
    { name: 'Git', shows: page.getByRole('link', { name: 'README.md' }) },
    { name: 'Ports', shows: page.getByText('Nothing listens') },
    { name: 'Boot log', shows: page.getByRole('list', { name: 'Steps of the start' }) },
  ];
  for (const { name, shows } of parts) {
    await part(page, name).click();
    await expect(shows).toBeVisible();
    if (name === 'Git') await shows.click();
    await inspect(page, `workspace-${name.toLowerCase().replace(' ', '-')}`);
  }
  await page.goto('/');
  await expect(row(page, 'rocket')).toContainText('Running');
  await inspect(page, 'dashboard');
  await row(page, 'rocket').getByRole('link').first().click();
  await remove(page, 'rocket');
});
