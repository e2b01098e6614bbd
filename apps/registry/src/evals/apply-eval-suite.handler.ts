import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { applyEvalSuite, type ApplyEvalSuiteReply, ApplyEvalSuiteRequest } from '@signalbox/shared/contracts/registry/apply-eval-suite.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { nextVersion } from '../agents/agent.ts';
import { changesBetween } from '../manifests/changes.ts';
import { contentHash } from '../manifests/content-hash.ts';
import { parseSuiteManifest, suiteView } from './eval-suite.ts';
import { EvalSuiteStore } from './eval-suite.store.ts';

/** Each with up to half a megabyte of cases. */
const suitesMax = 200;

@Controller()
export class ApplyEvalSuiteHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly suites: EvalSuiteStore,
    private readonly audit: Audit,
  ) {}

  @Handles(applyEvalSuite)
  async handle(@Payload() request: ApplyEvalSuiteRequest, @FromCaller() caller: Caller): Promise<ApplyEvalSuiteReply> {
    const { name, dryRun = false, expectedVersion } = request;
    const manifest = parseSuiteManifest(name, request.manifest);
    const hash = contentHash(manifest);
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const current = await this.suites.find(tx, name);
      const { action, version } = nextVersion(`the eval suite ${name}`, current, hash, expectedVersion);
      const changes = changesBetween(current?.manifest ?? {}, manifest);
      if (action === 'unchanged') return { action, changes, resource: suiteView(current!) };
      if (current === null && (await this.suites.count(tx)) >= suitesMax) {
        throw new Fault('limited', `a workspace has at most ${suitesMax} eval suites`, 'Delete those that nobody needs.');
      }
      if (dryRun) return { action, changes, resource: suiteView({ manifest, version, hash, updatedAt: new Date(now()) }) };
      const suite = await this.suites.put(tx, caller.workspace, manifest, version, hash);
      if (suite === null) throw new Fault('conflict', `the eval suite ${name} was changed by somebody else just now`, 'Apply it again.');
      await this.audit.append(tx, caller, {
        action: 'eval-suite.apply',
        target: `eval-suite ${name}`,
        detail: { version, hash, changed: changes.map(({ path }) => path) },
      });
      return { action, changes, resource: suiteView(suite) };
    });
  }
}
