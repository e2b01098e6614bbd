import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stepSources, stepStates, type StepSource, type StepState } from '@signalbox/shared/contracts/registry/deployment.js';
import { standingsOf } from '../deployments/agent-standing.ts';
import { parseDeploymentManifest } from '../deployments/deployment-manifest.ts';
import { stepKey, type StepFact } from '../deployments/facts.ts';
import { nextMoves } from './next-moves.ts';

const agents = fc.array(
  fc.record({
    needs: fc.array(fc.nat(), { maxLength: 2 }),
    steps: fc.array(fc.tuple(fc.constantFrom<StepSource>(...stepSources), fc.constantFrom<StepState>(...stepStates)), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
  { minLength: 1, maxLength: 6 },
);

test('a deployment moves on by the first open step of each agent, begins nothing too early, and makes nothing that people report', () => {
  fc.assert(
    fc.property(agents, (drawn) => {
      const spec = {
        agents: drawn.map(({ needs, steps }, index) => ({
          name: `a${index}`,
          estimateDays: [1, 1],
          dependsOn: index === 0 ? [] : [...new Set(needs.map((need) => `a${need % index}`))],
          steps: steps.map(([source], at) => ({ name: `s${at}`, source })),
        })),
      };
      const { plan } = parseDeploymentManifest('d', { apiVersion: 'signalbox.dev/v1', kind: 'Deployment', metadata: { name: 'd' }, spec });
      const steps = new Map(
        drawn.flatMap(({ steps: own }, index) =>
          own.map(([, state], at): [string, StepFact] => [stepKey(`a${index}`, `s${at}`), { state, fraction: state === 'done' ? 1 : 0 }]),
        ),
      );
      const registered = new Map(plan.agents.map((agent) => [agent.agent, { status: 'healthy' as const }]));
      const standings = standingsOf(plan, {
        steps,
        agents: registered,
        members: new Map(),
        infrastructure: new Map(),
        history: new Map(),
        now: new Date(0),
      });
      const moves = nextMoves(standings.values());
      for (const { agent, step, fact } of moves) {
        const before = agent.steps.slice(0, agent.steps.indexOf(step));
        expect(before.every(({ name }) => steps.get(stepKey(agent.name, name))!.state === 'done')).toBe(true);
        expect(fact.state).not.toBe('done');
        expect(step.source).not.toBe('reported');
        if (fact.state === 'pending') expect(agent.dependsOn.every((need) => standings.get(need)!.progress === 1)).toBe(true);
      }
      expect(new Set(moves.map(({ agent }) => agent.name)).size).toBe(moves.length);
      for (const { planned, waitingFor } of standings.values()) {
        const open = planned.steps.find(({ name }) => steps.get(stepKey(planned.name, name))!.state !== 'done');
        const canMove = open !== undefined && open.source !== 'reported' && waitingFor.length === 0;
        if (canMove) expect(moves.map(({ agent }) => agent.name)).toContain(planned.name);
      }
    }),
  );
});
