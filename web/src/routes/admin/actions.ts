import type { AuditAction } from '../../api/model';
import { text } from '../../strings';

/** Every audited action, in the order of the catalogue, for the filter. */
export const auditActions = Object.entries(text.auditAction).map(([value, label]) => ({
  value: value as AuditAction,
  label,
}));

export function isAuditAction(value: string): value is AuditAction {
  return Object.hasOwn(text.auditAction, value);
}
