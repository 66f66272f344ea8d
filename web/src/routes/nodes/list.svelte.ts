import { api, ask } from '../../api/client';
import type { Node } from '../../api/model';
import { LiveRows } from '../../data/rows.svelte';
import { live } from '../../live/events.svelte';
import { whileVisible } from '../../live/poll';

/** How often a node reports. */
export const REPORT_MS = 10_000;

export function readNode(id: string): Promise<Node> {
  return ask(api.GET('/api/nodes/{id}', { params: { path: { id } } }));
}

/** The account's nodes, kept current while `follow` runs. */
export class NodeList extends LiveRows<Node> {
  constructor() {
    super(
      (cursor) => ask(api.GET('/api/nodes', { params: { query: cursor ? { cursor } : {} } })),
      readNode,
      (node) => node.status === 'deleted',
    );
  }

  follow(): () => void {
    void this.reload();
    const forget = live.follow(['node.'], (event) => void this.refresh(event?.nodeId));
    const stopLooking = whileVisible(REPORT_MS, () => void this.freshen());
    return () => {
      forget();
      stopLooking();
    };
  }
}
