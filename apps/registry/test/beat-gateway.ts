import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beatInstance, type BeatInstanceRequest } from '@signalbox/shared/contracts/registry/beat-instance.js';
import type { RegistryUnderTest } from './registry.ts';

interface Beat extends Pick<BeatInstanceRequest, 'agent' | 'instance' | 'status' | 'skills' | 'version'> {
  pid: number;
  environment: string[];
  /** Its variable API_TOKEN. */
  token?: string;
}

/** Hands the beats of test workers to the registry, as the gateway's door for workers does: with the identity behind their key. */
export class BeatGateway {
  readonly beats: (Beat & { key: string })[] = [];
  private readonly server: Server;
  private readonly greeted = new Set<string>();

  constructor(private readonly registry: () => RegistryUnderTest) {
    this.server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const key = (request.headers.authorization ?? '').replace('Bearer ', '');
        this.hear({ ...(JSON.parse(body) as Beat), key }).then(
          () => response.writeHead(200).end(),
          () => response.writeHead(503).end(),
        );
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Process ids of the workers of an agent that beat within the last 400 ms or so. */
  pids(agent: string): number[] {
    return [...new Set(this.beats.filter((beat) => beat.agent === agent && beat.status !== 'gone').map((beat) => beat.pid))];
  }

  private async hear(beat: Beat & { key: string }): Promise<void> {
    this.beats.push(beat);
    const { agent, instance, status, skills, version, key } = beat;
    const { service, keys } = this.registry();
    const id = key.replace('sbx_test_', '');
    const owner = keys.get(id);
    if (owner === undefined) throw new Error('the key is not valid');
    const isFirst = !this.greeted.has(instance);
    this.greeted.add(instance);
    await service.request(
      beatInstance,
      {
        ...{ agent, instance, capacity: 1, inFlight: 0, ...(status && { status }) },
        ...(isFirst && { ...(skills && { skills }), ...(version !== undefined && { version }) }),
      },
      { as: { principal: owner.id, roles: ['agent'] } },
    );
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
