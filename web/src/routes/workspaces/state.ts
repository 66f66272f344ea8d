// What a workspace's state means for the app.
import type { StepStatus, Workspace, WorkspaceStatus } from '../../api/model';
import type { Tone } from '../nodes/state';

export const WORKSPACE_TONES: Record<WorkspaceStatus, Tone> = {
  queued: 'neutral',
  starting: 'accent',
  running: 'ok',
  stopping: 'neutral',
  stopped: 'neutral',
  failed: 'danger',
  deleting: 'warn',
  deleted: 'neutral',
};

export const STEP_TONES: Record<StepStatus, Tone> = {
  running: 'accent',
  done: 'ok',
  skipped: 'neutral',
  failed: 'danger',
};

/** Whether a spinner belongs next to it: something is being done and will end by itself. */
export function isMoving(status: WorkspaceStatus): boolean {
  return status === 'queued' || status === 'starting' || status === 'stopping' || status === 'deleting';
}

/** Whether terminals, files and ports are there now. */
export function isWorkable(workspace: Workspace): boolean {
  return workspace.status === 'running' && workspace.connected;
}

export type WorkspaceAction = 'start' | 'stop' | 'restart' | 'rebuild' | 'remove';

const ACTIONS: Record<WorkspaceStatus, WorkspaceAction[]> = {
  queued: ['stop', 'remove'],
  starting: ['stop', 'restart', 'remove'],
  running: ['stop', 'restart', 'rebuild', 'remove'],
  stopping: ['remove'],
  stopped: ['start', 'rebuild', 'remove'],
  failed: ['start', 'rebuild', 'remove'],
  deleting: [],
  deleted: [],
};

/** What can be done with it now. The server decides; this only hides what it would refuse. */
export function actionsOf(status: WorkspaceStatus): WorkspaceAction[] {
  return ACTIONS[status];
}

/** `owner/name` of a git URL, or the last part of a path: how people call a repository. */
export function repositoryName(repository: string): string {
  const path = repository
    .replace(/^[a-z+]+:\/\/[^/]*\//i, '')
    .replace(/^[^/@:]+@[^:/]+:/, '')
    .replace(/\.git\/?$|\/+$/, '');
  const parts = path.split('/').filter((part) => part !== '');
  return repository.startsWith('/') ? (parts.at(-1) ?? repository) : parts.slice(-2).join('/') || repository;
}
