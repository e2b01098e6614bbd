import type { WhoAmI } from '@signalbox/sdk/client/system.js';

/**
 * What is offered to whom. The services decide; this only keeps the dashboard from offering what they would refuse. Roles as the
 * security page of the documentation has them: an operator runs everything but decides on nobody's rights.
 */
const adminOnly = new Set(['keys', 'principals', 'secrets', 'policies', 'audit', 'workspaces', 'commands']);

export function may(who: Pick<WhoAmI, 'roles' | 'scopes'>, permission: string): boolean {
  const [resource = '', verb = ''] = permission.split(':');
  const byRole = who.roles.some((role) => {
    if (role === 'admin') return true;
    if (adminOnly.has(resource)) return false;
    return role === 'operator' || (role === 'viewer' && verb === 'read');
  });
  return byRole && (who.scopes.length === 0 || who.scopes.some((scope) => matches(scope, resource, verb)));
}

function matches(scope: string, resource: string, verb: string): boolean {
  const [scopeResource, scopeVerb] = scope.split(':');
  return (scopeResource === '*' || scopeResource === resource) && (scopeVerb === '*' || scopeVerb === verb);
}
