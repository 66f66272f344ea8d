import { expect, test } from 'vitest';
import { ApiError } from '../api/errors';
import { LiveRows } from './rows.svelte';

interface Row {
  id: string;
  status: string;
}

function rows(answers: Record<string, Row | ApiError>, pages: Row[][] = [[{ id: 'a', status: 'starting' }]]) {
  const reads: string[] = [];
  const list = new LiveRows<Row>(
    async () => ({ items: pages.shift() ?? [] }),
    async (id) => {
      reads.push(id);
      const answer = answers[id];
      if (answer instanceof ApiError) throw answer;
      return answer as Row;
    },
    (row) => row.status === 'deleted',
  );
  return { list, reads };
}

test.each<[string, string, Row | ApiError, string[]]>([
  ['is replaced', 'a', { id: 'a', status: 'running' }, ['a running']],
  ['that is new comes first', 'b', { id: 'b', status: 'queued' }, ['b queued', 'a starting']],
  ['that is gone leaves', 'a', { id: 'a', status: 'deleted' }, []],
  ['that is not there leaves', 'a', new ApiError(404, 'NOT_FOUND', ''), []],
  ['that cannot be read stays', 'a', new ApiError(0, 'NETWORK', ''), ['a starting']],
])('a row %s', async (_, id, answer, expected) => {
  const { list } = rows({ [id]: answer });
  await list.reload();
  await list.refresh(id);
  expect(list.items?.map((row) => `${row.id} ${row.status}`)).toEqual(expected);
});

test('many events about one row cost two reads', async () => {
  const { list, reads } = rows({ a: { id: 'a', status: 'running' } });
  await list.reload();
  await Promise.all(Array.from({ length: 20 }, () => list.refresh('a')));
  expect(reads).toEqual(['a', 'a']);
});

test('a fresh look replaces what is known, adds what is new in its order, and keeps the rest', async () => {
  const { list } = rows({}, [
    [
      { id: 'b', status: 'running' },
      { id: 'a', status: 'starting' },
    ],
    [
      { id: 'd', status: 'queued' },
      { id: 'c', status: 'queued' },
      { id: 'b', status: 'stopped' },
    ],
  ]);
  await list.reload();
  await list.freshen();
  expect(list.items?.map((row) => `${row.id} ${row.status}`)).toEqual([
    'd queued',
    'c queued',
    'b stopped',
    'a starting',
  ]);
});
