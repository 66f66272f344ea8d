import { expect, test } from 'vitest';
import { parseFrame } from './frame';

test.each([
  [
    '{"seq":1,"kind":"user.approved","id":"e1","payload":{"user_id":"u1"}}',
    { kind: 'user.approved', userId: 'u1' },
  ],
  [
    '{"seq":1,"kind":"workspace.step","id":"e1","payload":{"workspace_id":"w1","node_id":"n1"}}',
    { kind: 'workspace.step', workspaceId: 'w1', nodeId: 'n1' },
  ],
  ['{"seq":2,"kind":"something.new"}', { kind: 'something.new' }],
  ['{"seq":3,"kind":"user.approved","payload":null}', { kind: 'user.approved' }],
  ['{"seq":4,"kind":7}', undefined],
  ['null', undefined],
  ['', undefined],
  ['{', undefined],
])('parseFrame(%j)', (data, expected) => {
  expect(parseFrame(data)).toEqual(expected);
});
