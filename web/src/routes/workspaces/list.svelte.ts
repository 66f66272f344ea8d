import { api, ask } from '../../api/client';
import type { Workspace } from '../../api/model';
import { LiveRows } from '../../data/rows.svelte';
import { live } from '../../live/events.svelte';
import { whileVisible } from '../../live/poll';
import { REPORT_MS } from '../nodes/list.svelte';

export function readWorkspace(id: string): Promise<Workspace> {
  return ask(api.GET('/api/workspaces/{id}', { params: { path: { id } } }));
}

/** The account's workspaces, or those of one node, kept current while `follow` runs. */
export class WorkspaceList extends LiveRows<Workspace> {
  constructor(node?: string) {
    super(
      (cursor) => {
        const query = { ...(node && { node }), ...(cursor && { cursor }) };
        return ask(api.GET('/api/workspaces', { params: { query } }));
      },
      readWorkspace,
      (row) => row.status === 'deleted' || (node !== undefined && row.node_id !== node),
    );
  }

  follow(): () => void {
    void this.reload();
    // A node that comes or goes changes what can be done with its workspaces.
    const forget = live.follow(['workspace.', 'node.'], (event) => {
      if (!event || event.kind.startsWith('workspace.')) return void this.refresh(event?.workspaceId);
      const touched = this.items?.filter((row) => row.node_id === event.nodeId) ?? [];
      for (const row of touched) void this.refresh(row.id);
    });
    const stopLooking = whileVisible(REPORT_MS, () => void this.freshen());
    return () => {
      forget();
      stopLooking();
    };
  }
}
