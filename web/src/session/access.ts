import type { Role, User, UserStatus } from '../api/model';

/** What a page needs. The server decides; this only hides what it would refuse. */
export type Access = 'user' | 'admin' | 'superadmin';

const RANK: Record<Role, number> = { user: 0, admin: 1, superadmin: 2 };

export function mayOpen(role: Role, access: Access): boolean {
  return RANK[role] >= RANK[access];
}

export type UserAction = 'approve' | 'suspend' | 'reinstate' | { role: Role };

const BY_STATUS: Record<UserStatus, 'approve' | 'suspend' | 'reinstate'> = {
  pending: 'approve',
  active: 'suspend',
  suspended: 'reinstate',
};

/** What `actor` may do to `target`: nobody acts on themselves, an admin not on a superadmin; only a superadmin gives roles. */
export function userActions(actor: User, target: User): UserAction[] {
  if (actor.id === target.id || !mayOpen(actor.role, 'admin')) return [];
  if (target.role === 'superadmin' && actor.role !== 'superadmin') return [];
  const actions: UserAction[] = [BY_STATUS[target.status]];
  if (actor.role === 'superadmin') {
    const roles: Role[] = ['user', 'admin', 'superadmin'];
    actions.push(...roles.filter((role) => role !== target.role).map((role) => ({ role })));
  }
  return actions;
}
