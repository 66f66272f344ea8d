import { expect, test } from 'vitest';
import { filesPath, fileUrl, placeBelow, workspacePath, workspacePlace, type WorkspacePlace } from './place';

test.each([
  ['/workspaces/01jd', { id: '01jd', rest: [] }],
  ['/workspaces/01jd/terminals/t-1', { id: '01jd', rest: ['terminals', 't-1'] }],
  ['/workspaces', undefined],
  ['/workspaces/', undefined],
  ['/workspacesx/01jd', undefined],
  ['/workspaces/../admin', undefined],
])('placeBelow(/workspaces, %j)', (path, expected) => {
  expect(placeBelow('/workspaces', path)).toEqual(expected);
});

test.each<[string[], WorkspacePlace | undefined]>([
  [[], { tab: 'terminal' }],
  [['terminals'], { tab: 'terminal' }],
  [['terminals', 't1'], { tab: 'terminal', terminal: 't1' }],
  [['files'], { tab: 'files' }],
  [['boot'], { tab: 'boot' }],
  [['terminal'], undefined],
  [['files', 'x'], undefined],
  [['terminals', 't1', 'x'], undefined],
  [['nonsense'], undefined],
])('workspacePlace(%j)', (rest, expected) => {
  expect(workspacePlace(rest)).toEqual(expected);
});

test('addresses are made the way they are read', () => {
  expect(workspacePath('w')).toBe('/workspaces/w');
  expect(workspacePath('w', { tab: 'terminal', terminal: 't' })).toBe('/workspaces/w/terminals/t');
  expect(workspacePath('w', { tab: 'git' })).toBe('/workspaces/w/git');
  expect(filesPath('w', { path: 'a b/ü' })).toBe('/workspaces/w/files?path=a+b%2F%C3%BC');
  expect(filesPath('w', {})).toBe('/workspaces/w/files');
  expect(fileUrl('w', 'a&b')).toBe('/api/workspaces/w/file?path=a%26b');
});
