/** Who may do what. A key or token carries scopes; a role is a named set of them. */
export const SCOPES = [
  'readings:push',
  'readings:read',
  'quarantine:read',
  'quarantine:replay',
  'master:read',
  'master:write',
  'commands:request',
  'commands:approve',
  'commands:cancel',
  'commands:read',
  'breaker:kill',
  'billing:read',
  'billing:issue',
  'tariffs:write',
  'payments:post',
  'collections:read',
  'collections:manage',
  'audit:read',
  'metrics:read',
] as const;
export type Scope = (typeof SCOPES)[number];

/** Roles of design.md section 6, as far as they reach the HTTP interface. */
export const ROLES = {
  'head-end': ['readings:push'],
  'meter-operations': [
    'readings:read',
    'quarantine:read',
    'quarantine:replay',
    'master:read',
    'master:write',
    'commands:request',
    'commands:cancel',
    'commands:read',
    'breaker:kill',
    'metrics:read',
  ],
  billing: [
    'readings:read',
    'master:read',
    'billing:read',
    'billing:issue',
    'tariffs:write',
    'payments:post',
    'commands:cancel',
    'commands:read',
    'breaker:kill',
  ],
  collections: [
    'master:read',
    'billing:read',
    'collections:read',
    'collections:manage',
    'commands:request',
    'commands:cancel',
    'commands:read',
    'breaker:kill',
  ],
  approver: [
    'commands:approve',
    'commands:cancel',
    'commands:read',
    'billing:read',
    'breaker:kill',
  ],
  auditor: [
    'readings:read',
    'billing:read',
    'collections:read',
    'commands:read',
    'audit:read',
    'metrics:read',
  ],
} as const satisfies Record<string, readonly Scope[]>;
export type RoleName = keyof typeof ROLES;

/** The authenticated caller; identity comes from the credential, never from the payload. */
export interface Principal {
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
}
