// What is typed into the create dialog, and the request it makes. Pure: the dialog shows, this decides.
import type { CreateWorkspace, Isolation } from '../../api/model';

/** Every field as it is typed; empty for “not said”. */
export interface Draft {
  repository: string;
  branch: string;
  name: string;
  node: string;
  isolation: '' | Isolation;
  shallow: boolean;
  isPrivate: boolean;
  username: string;
  password: string;
  image: string;
  cores: string;
  memoryGib: string;
  pids: string;
  idleMinutes: string;
}

export const NUMBERS = ['cores', 'memoryGib', 'pids', 'idleMinutes'] as const;
export type NumberField = (typeof NUMBERS)[number];

export interface Problems {
  password?: true;
  numbers: NumberField[];
}

const GIB = 1024 ** 3;

export function emptyDraft(repository: string): Draft {
  return {
    repository,
    branch: '',
    name: '',
    node: '',
    isolation: '',
    shallow: false,
    isPrivate: false,
    username: 'x-access-token',
    password: '',
    image: '',
    cores: '',
    memoryGib: '',
    pids: '',
    idleMinutes: '',
  };
}

/** The name that a workspace of this repository gets; empty when none follows from it. */
export function nameOf(repository: string): string {
  const last = repository
    .trim()
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split(/[/:]/)
    .at(-1);
  return (last ?? '').slice(0, 100);
}

/** Whether it is worth asking a node for the branches of what is typed. */
export function looksComplete(repository: string): boolean {
  const typed = repository.trim();
  return /^\/./.test(typed) || /^[a-z+]+:\/\/[^/]*\/.+/i.test(typed) || /^[^/\s:]+@[^/\s:]+:.+/.test(typed);
}

function numberOf(typed: string): number | undefined {
  const value = Number(typed.trim().replace(',', '.'));
  return Number.isFinite(value) && value >= 0 ? value : Number.NaN;
}

export function problemsOf(draft: Draft): Problems {
  const numbers = NUMBERS.filter(
    (field) => draft[field].trim() !== '' && Number.isNaN(numberOf(draft[field])),
  );
  const incomplete = draft.isPrivate && (draft.username.trim() === '' || draft.password === '');
  return { numbers, ...(incomplete && { password: true as const }) };
}

/** The request; only what was said is in it, so that the server's defaults hold for the rest. */
export function requestOf(draft: Draft): CreateWorkspace {
  const said = (typed: string): string | undefined => typed.trim() || undefined;
  const number = (typed: string, unit = 1): number | undefined =>
    typed.trim() === '' ? undefined : Math.round((numberOf(typed) ?? 0) * unit);
  const repository = said(draft.repository);
  const limits = {
    cpu_milli: number(draft.cores, 1000),
    memory_bytes: number(draft.memoryGib, GIB),
    pids: number(draft.pids),
  };
  const limited = Object.values(limits).some((limit) => limit !== undefined);
  const fields = {
    name: said(draft.name),
    repository,
    branch: repository && said(draft.branch),
    node_id: said(draft.node),
    isolation: draft.isolation || undefined,
    image: said(draft.image),
    idle_stop_minutes: number(draft.idleMinutes),
    limits: limited ? defined(limits) : undefined,
    credential:
      repository && draft.isPrivate
        ? { username: draft.username.trim(), password: draft.password }
        : undefined,
  };
  return { ...defined(fields), shallow: draft.shallow };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
