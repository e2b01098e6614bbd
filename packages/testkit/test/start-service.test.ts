import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { Controller, Module } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Handles, HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { ServiceConfig } from '@signalbox/shared/config/service-config.js';
import { runChanged, RunChanged } from '@signalbox/shared/contracts/execution/run-changed.js';
import { DeleteAgentReply, DeleteAgentRequest, deleteAgent } from '@signalbox/shared/contracts/registry/delete-agent.js';
import { GetRunRequest, getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { ping } from '@signalbox/shared/bus/ping.js';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { outboxDown, outboxUp } from '@signalbox/shared/outbox/outbox.sql.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import { ServiceModule } from '@signalbox/shared/service/service-module.js';
import type { Migration } from '@signalbox/stack/database/migrations.js';
import { startService } from '../src/start-service.ts';
import { TestDatabase } from '../src/test-database.ts';

const migrations: Migration[] = [
  {
    name: '0001-note',
    up: [
      ...outboxUp,
      'CREATE TABLE note (workspace uuid NOT NULL, name text NOT NULL, PRIMARY KEY (workspace, name))',
      'ALTER TABLE note ENABLE ROW LEVEL SECURITY',
      'ALTER TABLE note FORCE ROW LEVEL SECURITY',
      `CREATE POLICY workspace ON note USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
    ],
    down: ['DROP TABLE note', ...outboxDown],
    breaks: false,
  },
];

/** Stands for a service: deletes what is there, asks a peer, keeps a grant, hears an event. */
@Controller()
class NoteHandler {
  static heard: string[] = [];
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly audit: Audit,
    private readonly bus: Bus,
  ) {}

  @Handles(deleteAgent)
  async handle(@Payload() { name }: DeleteAgentRequest, @FromCaller() caller: Caller): Promise<DeleteAgentReply> {
    if (name === 'asks-a-peer') {
      const { grant } = await this.bus.request(createGrant, { purpose: 'test' }, caller);
      const later = await this.bus.as(grant);
      await this.bus.request(getRun, { run: 'run_01h455vb4pex5vsknk084sn02q' } as unknown as GetRunRequest, later);
    }
    await this.db.inWorkspace(caller.workspace, async (tx) => {
      const [rows] = await tx.query(`DELETE FROM note WHERE name = $1 RETURNING name`, [name]);
      if (rows.length === 0) throw new Fault('not_found', `there is no ${name}`, 'Choose another.');
      await this.audit.append(tx, caller, { action: 'note.delete', target: name });
    });
    return { name };
  }

  @HandlesEvent(runChanged)
  onRun(@Payload() payload: RunChanged): void {
    NoteHandler.heard.push(JSON.stringify(payload));
  }
}

const config = new ServiceConfig();
@Module({ imports: [ServiceModule.forRoot({ name: 'registry', config, entities: [] })], controllers: [NoteHandler] })
class NoteModule {}

const workspace = '01900000-0000-7000-8000-0000000000aa';

test('a service runs on its own database and bus, as its own users', async () => {
  await using service = await startService(NoteModule, { service: 'registry', migrations });
  await service.database.sql('INSERT INTO note VALUES ($1, $2)', [workspace, 'plan']);
  const audits = await service.record(auditEvents.registry);

  await expect(service.request(deleteAgent, { name: 'plan' })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(deleteAgent, { name: 'plan' }, { as: { workspace, roles: ['viewer'] } })).rejects.toMatchObject({
    code: 'forbidden',
  });
  await expect(service.request(deleteAgent, { name: 'plan' }, { as: { workspace, principal: 'user_ada' } })).resolves.toEqual({
    name: 'plan',
  });
  await expect(audits.next()).resolves.toMatchObject({ principal: 'user_ada', action: 'note.delete' });
  await expect(service.request(ping.registry, {}, { as: 'registry' })).resolves.toMatchObject({ checks: { postgresql: 'ok', nats: 'ok' } });
});

test('peers are answered for, grants are traded, and events of others arrive', async () => {
  await using service = await startService(NoteModule, { service: 'registry', migrations });
  await service.database.sql('INSERT INTO note VALUES ($1, $2)', [workspace, 'asks-a-peer']);
  let asked: unknown;
  await service.answer(getRun, (_, { caller }) => {
    asked = caller?.principal;
    throw new Fault('not_found', 'no such run', 'Choose another.');
  });
  await expect(service.request(deleteAgent, { name: 'asks-a-peer' }, { as: { workspace, principal: 'user_ada' } })).rejects.toMatchObject({
    detail: 'no such run',
  });
  expect(asked).toBe('user_ada');
});

test('a service that was stopped starts again on what it wrote', async () => {
  await using service = await startService(() => NoteModule, { service: 'registry', migrations });
  await service.database.sql('INSERT INTO note VALUES ($1, $2)', [workspace, 'plan']);
  await service.stop();
  await expect(service.request(deleteAgent, { name: 'plan' }, { as: { workspace } })).rejects.toMatchObject({ code: 'unavailable' });
  await service.start();
  await service.restartNats();
  await expect(service.request(deleteAgent, { name: 'plan' }, { as: { workspace } })).resolves.toEqual({ name: 'plan' });
});

test('a migration that takes away or narrows what another version uses must say so', async () => {
  await using database = await TestDatabase.create('registry');
  const [first] = migrations as [Migration];
  const after = (statement: string, breaks = false): Migration[] => [first, { name: '0002-more', up: [statement], down: [], breaks }];
  for (const statement of [
    'DROP TABLE note',
    'ALTER TABLE note DROP COLUMN name',
    'ALTER TABLE note RENAME TO page',
    'ALTER TABLE note ADD COLUMN n int NOT NULL',
    'ALTER TABLE note ADD CONSTRAINT short CHECK (length(name) < 9)',
  ])
    await expect(database.migrate(after(statement))).rejects.toThrow('0002-more must only extend the schema');
  await database.migrate(after('ALTER TABLE note ADD COLUMN n int NOT NULL DEFAULT 1, ADD COLUMN m int'));
  await database.migrate([...after(''), { name: '0003-less', up: ['ALTER TABLE note DROP COLUMN n'], down: [], breaks: true }]);
});
