import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { applyTrigger, type ApplyTriggerReply, type ApplyTriggerRequest } from '@signalbox/shared/contracts/execution/apply-trigger.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { RunStarter } from '../runs/run-starter.ts';
import { needsRights } from '../schedules/ignition.ts';
import { RunWatch } from '../schedules/run-watch.ts';
import { diff, type Difference } from '@signalbox/workflow/language/diff.js';
import { checkTriggerManifest, requireName, requireVersion } from '../workflows/read-manifest.ts';
import { unknownWorkflow } from '../workflows/unknown-workflow.ts';
import { WorkflowStore } from '../workflows/workflow.store.ts';
import { triggerOf, type TriggerManifest } from './trigger.ts';
import { kindOf, TriggerStore, watchedBy, type StoredTrigger } from './trigger.store.ts';

/** A secret shorter than this can be guessed. */
const secretMin = 16;

@Controller()
export class ApplyTriggerHandler {
  constructor(
    private readonly store: TriggerStore,
    private readonly workflows: WorkflowStore,
    private readonly starter: RunStarter,
    private readonly secrets: SecretReader,
    private readonly watch: RunWatch,
    private readonly audit: Audit,
  ) {}

  @Handles(applyTrigger)
  async handle(@Payload() request: ApplyTriggerRequest, @FromCaller() caller: Caller): Promise<ApplyTriggerReply> {
    const { name } = request;
    const { workspace } = caller;
    requirePermission(caller, 'runs:write');
    const manifest = await this.read(request, caller);
    let changes: Difference[] = [];
    let action: 'created' | 'updated' | 'unchanged' = 'unchanged';
    const decide = (current: StoredTrigger | null): boolean => {
      requireVersion(`trigger ${name}`, current?.view.version ?? 0, request.expectedVersion);
      changes = diff(current?.manifest as unknown as Json, manifest as unknown as Json);
      action = current === null ? 'created' : changes.length > 0 || needsRights(current.view, caller.name) ? 'updated' : 'unchanged';
      return action !== 'unchanged';
    };
    if (request.dryRun === true) {
      const current = await this.store.find(workspace, name);
      decide(current);
      return { action, changes, resource: current?.view ?? preview(manifest, caller.name) };
    }
    const by = { name: caller.name, grant: await this.starter.grantOf(caller) };
    const stored = await this.store.apply(workspace, manifest, by, decide, (tx, version) =>
      this.audit.append(tx, caller, { action: 'trigger.apply', target: `trigger ${name}`, detail: { what: action, version } }),
    );
    await this.watch.refresh();
    return { action, changes, resource: stored.view };
  }

  /** The manifest, wholly checked: nothing that could not start a run is stored. */
  private async read({ name, manifest: given }: ApplyTriggerRequest, caller: Caller): Promise<TriggerManifest> {
    const manifest = checkTriggerManifest(given);
    requireName(manifest, name);
    triggerOf(manifest);
    const { workflow, on } = manifest.spec;
    if (!(await this.workflows.definitionOf(caller.workspace, workflow))) throw unknownWorkflow(workflow);
    if (on.webhook && (await this.secrets.fill(caller, on.webhook.secret)).length < secretMin) {
      const detail = `must name a secret of at least ${secretMin} characters`;
      throw new Fault('invalid', `/spec/on/webhook/secret: ${detail}`, 'Set a longer one, as by: openssl rand -hex 32', {
        errors: [{ pointer: '/spec/on/webhook/secret', detail }],
      });
    }
    return manifest;
  }
}

/** What would stand there. */
function preview(manifest: TriggerManifest, by: string): StoredTrigger['view'] {
  const { metadata, spec } = manifest;
  const at = new Date(now()).toISOString();
  return {
    name: metadata.name,
    description: metadata.description ?? null,
    labels: metadata.labels ?? {},
    kind: kindOf(manifest),
    workflow: spec.workflow,
    hook: null,
    watches: watchedBy(manifest),
    state: 'active',
    pausedReason: null,
    pausedBy: null,
    last: null,
    appliedBy: by,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}
