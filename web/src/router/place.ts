// Addresses of things that have an id: `/workspaces/<id>/terminals/<id>`.

/** The id after `prefix`, and what follows it; `undefined` for another address. */
export function placeBelow(prefix: string, path: string): { id: string; rest: string[] } | undefined {
  if (!path.startsWith(`${prefix}/`)) return undefined;
  const [id = '', ...rest] = path.slice(prefix.length + 1).split('/');
  return /^[0-9a-z-]+$/i.test(id) ? { id, rest } : undefined;
}

export const nodePath = (id: string): string => `/nodes/${id}`;

export const TABS = ['terminal', 'files', 'git', 'ports', 'boot'] as const;
export type Tab = (typeof TABS)[number];

export interface WorkspacePlace {
  tab: Tab;
  terminal?: string;
}

/** Which part of a workspace the rest of its address names; `undefined` when there is no such part. */
export function workspacePlace(rest: readonly string[]): WorkspacePlace | undefined {
  const [first, second, ...more] = rest;
  if (more.length > 0) return undefined;
  if (first === undefined) return { tab: 'terminal' };
  if (first === 'terminals') return second ? { tab: 'terminal', terminal: second } : { tab: 'terminal' };
  const tab = TABS.find((each) => each === first && each !== 'terminal');
  return tab && second === undefined ? { tab } : undefined;
}

export function workspacePath(id: string, place: WorkspacePlace = { tab: 'terminal' }): string {
  const base = `/workspaces/${id}`;
  if (place.tab !== 'terminal') return `${base}/${place.tab}`;
  return place.terminal ? `${base}/terminals/${place.terminal}` : base;
}

/** A folder or file in the workspace's file browser. */
export function filesPath(id: string, at: { path?: string; file?: string }): string {
  const query = new URLSearchParams({ ...(at.path && { path: at.path }), ...(at.file && { file: at.file }) });
  const search = query.toString();
  return workspacePath(id, { tab: 'files' }) + (search && `?${search}`);
}

/** A file's bytes, for links, pictures and downloads. */
export function fileUrl(id: string, path: string): string {
  return `/api/workspaces/${id}/file?${new URLSearchParams({ path }).toString()}`;
}
