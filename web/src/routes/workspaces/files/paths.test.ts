import { expect, test } from 'vitest';
import { asText, baseName, crumbs, isInside, isName, isPicture, join, lineCount, parent } from './paths';

test('paths are put together and taken apart', () => {
  expect(join('', 'a')).toBe('a');
  expect(join('a/b', 'c')).toBe('a/b/c');
  expect(parent('a/b/c')).toBe('a/b');
  expect(parent('a')).toBe('');
  expect(baseName('a/b')).toBe('b');
  expect(baseName('b')).toBe('b');
  expect(crumbs('')).toEqual([]);
  expect(crumbs('a/b')).toEqual([
    { name: 'a', path: 'a' },
    { name: 'b', path: 'a/b' },
  ]);
});

test.each([
  ['a.txt', true],
  ['.env', true],
  ['', false],
  ['..', false],
  ['a/b', false],
])('isName(%j) = %j', (name, expected) => {
  expect(isName(name)).toBe(expected);
});

test.each([
  ['a/b.txt', true],
  ['', false],
  ['/etc/passwd', false],
  ['a/../b', false],
  ['a//b', false],
])('isInside(%j) = %j', (path, expected) => {
  expect(isInside(path)).toBe(expected);
});

test.each<[number[], string | undefined]>([
  [[104, 105], 'hi'],
  [[0xc3, 0xa9], 'é'],
  [[0xef, 0xbb, 0xbf, 104], '\ufeffh'],
  [[104, 0], undefined],
  [[0xc3], undefined],
  [[], ''],
])('asText(%j) = %j', (bytes, expected) => {
  expect(asText(new Uint8Array(bytes))).toBe(expected);
});

test.each([
  ['', 1],
  ['a', 1],
  ['a\n', 1],
  ['a\nb', 2],
  ['a\n\n', 2],
])('lineCount(%j) = %d', (text, expected) => {
  expect(lineCount(text)).toBe(expected);
});

test('SVG is no picture here', () => {
  expect(isPicture('a/logo.PNG')).toBe(true);
  expect(isPicture('logo.svg')).toBe(false);
});
