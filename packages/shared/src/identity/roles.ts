/** Roles of a principal in its workspace. */
export const roles = ['admin', 'operator', 'viewer', 'agent'] as const;
export type Role = (typeof roles)[number];

/**
 * What each role allows, as patterns of `<resource>:<verb>`. An operator runs everything but decides on nobody's rights and names no command
 * that runs on the host (`commands:write`): it makes and revokes keys only of agents and its own, which `security` sees to. An agent works on
 * tasks and uses what its workspace offers.
 */
const allowed: Record<Role, readonly string[]> = {
  admin: ['*:*'],
  operator: [
    '*:read',
    'agents:*',
    'instances:*',
    'deployments:*',
    'mcp-servers:*',
    'tools:*',
    'tasks:*',
    'workflows:*',
    'runs:*',
    'threads:*',
    'state:*',
    'memory:*',
    'artifacts:*',
    'models:*',
    'evidence:*',
    'evals:*',
    'incidents:*',
    'notifications:*',
    'approvals:*',
    'schedules:*',
    'grants:*',
    'keys:create',
    'keys:revoke',
  ],
  viewer: ['*:read'],
  agent: [
    'agents:read',
    'agents:invoke',
    'instances:beat',
    'tasks:work',
    'tools:read',
    'tools:call',
    'models:read',
    'models:call',
    'runs:read',
    'workflows:read',
    'threads:*',
    'state:*',
    'memory:*',
    'artifacts:*',
    'grants:write',
  ],
};

/** Resources that only administrators read: `*:read` leaves them out. */
const adminResources = new Set(['keys', 'principals', 'secrets', 'policies', 'audit', 'workspaces']);

/** What a scope looks like: `runs:read`, `tools:*`. */
export const scopePattern = /^(?:\*|[a-z][a-z-]{0,31}):(?:\*|[a-z][a-z-]{0,31})$/;

/** Whether all that `narrow` (a permission or a pattern of them) allows is within what `wide` allows. */
function covers(wide: string, narrow: string): boolean {
  const [wideResource, wideVerb] = partsOf(wide);
  const [resource, verb] = partsOf(narrow);
  if (wideResource === '*' && wideVerb !== '*' && adminResources.has(resource)) return false;
  return (wideResource === '*' || wideResource === resource) && (wideVerb === '*' || wideVerb === verb);
}

function partsOf(pattern: string): [resource: string, verb: string] {
  const colon = pattern.indexOf(':');
  return [pattern.slice(0, colon), pattern.slice(colon + 1)];
}

/** Whether one of the roles allows the permission and, where scopes narrow them, one of the scopes too. */
export function allows(held: readonly Role[], scopes: readonly string[], permission: string): boolean {
  return (
    held.some((role) => allowed[role].some((pattern) => covers(pattern, permission))) &&
    (scopes.length === 0 || scopes.some((scope) => covers(scope, permission)))
  );
}

/** Roles, and scopes that narrow them (none: they do not). */
export interface Rights {
  readonly roles: readonly Role[];
  readonly scopes: readonly string[];
}

/**
 * Whether `inner` is within `outer`: nobody gives away what it does not have. Roles and scopes are compared apart, so that it never says yes
 * to more, though it may say no to what is the same by other words.
 */
export function areRightsWithin(outer: Rights, inner: Rights): boolean {
  const has = outer.roles.flatMap((role) => allowed[role]);
  const wants = inner.roles.flatMap((role) => allowed[role]);
  return (
    wants.every((want) => has.some((pattern) => covers(pattern, want))) &&
    (outer.scopes.length === 0 ||
      (inner.scopes.length > 0 && inner.scopes.every((scope) => outer.scopes.some((pattern) => covers(pattern, scope)))))
  );
}
