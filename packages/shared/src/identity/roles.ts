/** Roles of a principal in its workspace. */
export const roles = ['admin', 'operator', 'viewer', 'agent'] as const;
export type Role = (typeof roles)[number];

/**
 * What each role allows, as patterns of `<resource>:<verb>`. An operator runs everything but decides on nobody's rights and names no command
 * that runs on the host (`commands:write`); an agent works on tasks and uses what its workspace offers.
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
    'workflows:*',
    'runs:*',
    'threads:*',
    'state:*',
    'memory:*',
    'artifacts:*',
    'models:*',
    'evidence:*',
    'incidents:*',
    'approvals:*',
    'schedules:*',
    'grants:*',
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

function matches(pattern: string, permission: string): boolean {
  const [resource = '', verb = ''] = permission.split(':');
  const [patternResource, patternVerb] = pattern.split(':');
  if (patternResource === '*' && patternVerb !== '*' && adminResources.has(resource)) return false;
  return (patternResource === '*' || patternResource === resource) && (patternVerb === '*' || patternVerb === verb);
}

/** Whether one of the roles allows the permission and, where scopes narrow them, one of the scopes too. */
export function allows(held: readonly Role[], scopes: readonly string[], permission: string): boolean {
  return (
    held.some((role) => allowed[role].some((pattern) => matches(pattern, permission))) &&
    (scopes.length === 0 || scopes.some((scope) => matches(scope, permission)))
  );
}

/** What a scope looks like: `runs:read`, `tools:*`. */
export const scopePattern = /^(?:\*|[a-z][a-z-]{0,31}):(?:\*|[a-z][a-z-]{0,31})$/;
