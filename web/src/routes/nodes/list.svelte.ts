import { api, ask } from '../../api/client';
import type { Node } from '../../api/model';
import { LiveRows } from '../../data/rows.svelte';
import { live } from '../../live/events.svelte';

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
    return live.follow(['node.'], (event) => void this.refresh(event?.nodeId));
  }
}
