import { expect, test } from 'vitest';
import { parseFrame } from './frame';

test.each([
  ['{"seq":1,"kind":"user.approved","id":"u1","payload":{}}', { kind: 'user.approved', id: 'u1' }],
  ['{"seq":2,"kind":"something.new"}', { kind: 'something.new', id: undefined }],
  ['{"seq":3,"kind":7}', undefined],
  ['null', undefined],
  ['', undefined],
  ['{', undefined],
])('parseFrame(%j)', (data, expected) => {
  expect(parseFrame(data)).toEqual(expected);
});
