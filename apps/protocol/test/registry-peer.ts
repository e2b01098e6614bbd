import type { Skill } from '@signalbox/shared/contracts/registry/agent.js';
import { resolveAgent } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { TestBus } from '@signalbox/testkit/test-bus.js';

interface Known {
  kind: 'mcp' | 'http' | 'llm' | 'worker';
  spec: Record<string, unknown>;
  skills?: Skill[];
}

/** Stands where `registry` would: knows agents by name. */
export class RegistryPeer {
  /** By name, or of one version as `writer@2`. */
  readonly agents: Record<string, Known> = {};

  async listen(bus: TestBus): Promise<void> {
    await bus.answer(resolveAgent, ({ name, version = 1 }) => {
      const agent = this.agents[`${name}@${version}`] ?? this.agents[name];
      if (!agent) throw new Fault('not_found', `there is no agent ${name}`, 'Check the name.');
      return {
        id: newId('agent'),
        name,
        kind: agent.kind,
        version,
        hash: `sha256:${'0'.repeat(64)}`,
        spec: agent.spec,
        skills: agent.skills ?? [],
        status: 'healthy' as const,
        instances: [],
      };
    });
  }
}
