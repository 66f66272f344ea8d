import { expect, test } from 'vitest';
import { copied } from './osc52';

const base64 = (words: string): string => Buffer.from(words).toString('base64');

test.each([
  [`c;${base64('copy me')}`, 'copy me'],
  [`;${base64('grüße 👋')}`, 'grüße 👋'],
  ['c;?', undefined],
  ['c;', undefined],
  ['c;***', undefined],
  [`c;${Buffer.from([0xff, 0xfe]).toString('base64')}`, undefined],
  [base64('no selection named'), undefined],
  [`c;${base64('x'.repeat(300_000))}`, undefined],
])('copied(%.40j) = %j', (data, expected) => {
  expect(copied(data)).toBe(expected);
});
