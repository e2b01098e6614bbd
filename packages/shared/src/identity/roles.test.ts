import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { allows, areRightsWithin, roles, type Rights } from './roles.ts';

const resources = ['agents', 'runs', 'keys', 'principals', 'audit', 'secrets', 'tools', 'tasks', 'commands', 'workspaces', 'grants'];
const verbs = ['read', 'write', 'create', 'revoke', 'invoke', 'work', 'call'];
const permissions = resources.flatMap((resource) => verbs.map((verb) => `${resource}:${verb}`));
const scope = fc.tuple(fc.constantFrom('*', ...resources), fc.constantFrom('*', ...verbs)).map(([resource, verb]) => `${resource}:${verb}`);
const rights: fc.Arbitrary<Rights> = fc.record({
  roles: fc.subarray([...roles]),
  scopes: fc.array(scope, { maxLength: 4 }),
});

describe('rights', () => {
  test('that are within others never allow what these do not', () => {
    fc.assert(
      fc.property(rights, rights, (outer, inner) => {
        if (!areRightsWithin(outer, inner)) return;
        for (const permission of permissions)
          if (allows(inner.roles, inner.scopes, permission))
            expect([permission, allows(outer.roles, outer.scopes, permission)]).toEqual([permission, true]);
      }),
      { numRuns: 2_000 },
    );
  });

  test('are within an administrator’s, and a scope never widens them', () => {
    fc.assert(
      fc.property(rights, scope, fc.constantFrom(...permissions), (some, narrower, permission) => {
        expect(areRightsWithin({ roles: ['admin'], scopes: [] }, some)).toBe(true);
        if (allows(some.roles, [narrower], permission)) expect(allows(some.roles, [], permission)).toBe(true);
      }),
    );
  });

  test.each([
    ['admin', 'keys:create', true],
    ['admin', 'commands:write', true],
    ['operator', 'runs:start', true],
    ['operator', 'commands:write', false],
    ['operator', 'keys:read', false],
    ['operator', 'principals:write', false],
    ['viewer', 'runs:read', true],
    ['viewer', 'runs:start', false],
    ['viewer', 'audit:read', false],
    ['viewer', 'secrets:read', false],
    ['agent', 'tasks:work', true],
    ['agent', 'runs:start', false],
    ['agent', 'keys:create', false],
  ] as const)('%s may %s: %s', (role, permission, expected) => {
    expect(allows([role], [], permission)).toBe(expected);
  });

  test('an agent’s are within an operator’s, so that who starts a deployment can let it work', () => {
    expect(areRightsWithin({ roles: ['operator'], scopes: [] }, { roles: ['agent'], scopes: [] })).toBe(true);
    expect(areRightsWithin({ roles: ['agent'], scopes: [] }, { roles: ['viewer'], scopes: [] })).toBe(false);
  });

  test('without scopes are more than with some', () => {
    expect(areRightsWithin({ roles: ['admin'], scopes: ['runs:*'] }, { roles: ['viewer'], scopes: [] })).toBe(false);
    expect(areRightsWithin({ roles: ['admin'], scopes: ['runs:*'] }, { roles: ['viewer'], scopes: ['runs:read'] })).toBe(true);
    expect(areRightsWithin({ roles: ['admin'], scopes: ['*:read'] }, { roles: ['admin'], scopes: ['keys:read'] })).toBe(false);
  });
});
