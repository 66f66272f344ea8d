// What a node's state means for the app.
import type { Load, Node, NodeStatus } from '../../api/model';

export type Tone = 'neutral' | 'accent' | 'ok' | 'warn' | 'danger';

export const NODE_TONES: Record<NodeStatus, Tone> = {
  pending: 'neutral',
  enrolling: 'accent',
  ready: 'ok',
  unreachable: 'danger',
  draining: 'warn',
  deleted: 'neutral',
};

/** Whether a new workspace may go there. */
export function takesWorkspaces(node: Node): boolean {
  return node.status === 'ready';
}

/** Where the files of a repository can be looked at: the wanted node, else any that answers. */
export function nodeToAsk(nodes: readonly Node[], wanted: string): Node | undefined {
  const answers = (node: Node): boolean => node.connected && node.status !== 'deleted';
  if (wanted !== '') return nodes.find((node) => node.id === wanted && answers(node));
  return nodes.find((node) => answers(node) && takesWorkspaces(node)) ?? nodes.find(answers);
}

/** What a dashboard without workspaces says: create one, wait for this machine, or add a machine. */
export function firstStep(nodes: readonly Node[]): 'create' | 'wait' | 'add' {
  if (nodes.some(takesWorkspaces)) return 'create';
  return nodes.some((node) => node.is_local && node.status !== 'deleted') ? 'wait' : 'add';
}

/** A load in which what an older agent did not report is 0. */
export function wholeLoad(load: Load): Required<Load> {
  const zero = {
    cpus: 0,
    load1: 0,
    memory_total: 0,
    memory_used: 0,
    disk_total: 0,
    disk_used: 0,
    uptime_s: 0,
  };
  return { ...zero, ...load };
}
