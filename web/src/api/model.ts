// The wire types that pages name, out of the generated file.
export type {
  AdminHealth,
  ApiToken,
  AuditAction,
  AuditEntry,
  AuditOutcome,
  DeadLetter,
  Invite,
  LoginLink,
  Me,
  NewInvite,
  NewToken,
  Role,
  Scope,
  Session,
  User,
  UserStatus,
} from './schema.gen';
