import { api, ask } from '../../api/client';
import type { WorkspaceAction } from './state';

export async function runAction(id: string, action: WorkspaceAction): Promise<void> {
  const params = { path: { id } };
  switch (action) {
    case 'start':
      await ask(api.POST('/api/workspaces/{id}/start', { params }));
      break;
    case 'stop':
      await ask(api.POST('/api/workspaces/{id}/stop', { params }));
      break;
    case 'restart':
      await ask(api.POST('/api/workspaces/{id}/restart', { params }));
      break;
    case 'rebuild':
      await ask(api.POST('/api/workspaces/{id}/rebuild', { params }));
      break;
    case 'remove':
      await ask(api.DELETE('/api/workspaces/{id}', { params }));
      break;
  }
}
