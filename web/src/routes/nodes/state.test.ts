import { expect, test } from 'vitest';
import type { Node, NodeStatus } from '../../api/model';
import { firstStep, nodeToAsk } from './state';

const node = (id: string, status: NodeStatus, more: Partial<Node> = {}): Node =>
  ({ id, status, connected: true, is_local: false, ...more }) as Node;

test.each<[Node[], string]>([
  [[], 'add'],
  [[node('a', 'pending')], 'add'],
  [[node('a', 'enrolling', { is_local: true })], 'wait'],
  [[node('a', 'unreachable', { is_local: true }), node('b', 'ready')], 'create'],
  [[node('a', 'draining')], 'add'],
])('firstStep %#', (nodes, expected) => {
  expect(firstStep(nodes)).toBe(expected);
});

test.each<[Node[], string, string | undefined]>([
  [[node('a', 'ready', { connected: false }), node('b', 'draining'), node('c', 'ready')], '', 'c'],
  [[node('a', 'ready', { connected: false }), node('b', 'draining')], '', 'b'],
  [[node('a', 'ready'), node('b', 'ready')], 'b', 'b'],
  [[node('a', 'ready'), node('b', 'ready', { connected: false })], 'b', undefined],
  [[], '', undefined],
])('nodeToAsk %#', (nodes, wanted, expected) => {
  expect(nodeToAsk(nodes, wanted)?.id).toBe(expected);
});
