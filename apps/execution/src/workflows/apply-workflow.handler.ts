import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { applyWorkflow, type ApplyWorkflowReply, type ApplyWorkflowRequest } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { checkDefinition } from '@signalbox/workflow/language/check-definition.js';
import type { Definition } from '@signalbox/workflow/language/definition.js';
import { Definitions } from './definitions.ts';
import { diff, type Difference } from '@signalbox/workflow/language/diff.js';
import { requireName, requireVersion } from './read-manifest.ts';
import { readSource, withPlaces } from '@signalbox/workflow/language/read-source.js';
import { RunStarter } from '../runs/run-starter.ts';
import { ScaleBackStore } from '../scale-back/scale-back.store.ts';
import { earlierVersion, recordVersion } from './workflow-versions.ts';
import { scaleBackView, WorkflowStore, type StoredWorkflow } from './workflow.store.ts';

@Controller()
export class ApplyWorkflowHandler {
  constructor(
    private readonly store: WorkflowStore,
    private readonly definitions: Definitions,
    private readonly starter: RunStarter,
    private readonly scaleBacks: ScaleBackStore,
    private readonly audit: Audit,
    private readonly db: WorkspaceDatabase,
  ) {}

  @Handles(applyWorkflow)
  async handle(@Payload() request: ApplyWorkflowRequest, @FromCaller() caller: Caller): Promise<ApplyWorkflowReply> {
    const { name } = request;
    const { definition, revertedTo } = await this.read(request, caller);
    requireName(definition.manifest, name);
    let changes: Difference[] = [];
    let before: string | undefined;
    const decide = (current: StoredWorkflow | null): 'created' | 'updated' | 'unchanged' => {
      requireVersion(`workflow ${name}`, current?.view.version ?? 0, request.expectedVersion);
      before = current?.view.scaleBack?.to;
      changes = diff(current?.definition.manifest as unknown as Json, definition.manifest as unknown as Json);
      return current === null ? 'created' : changes.length === 0 ? 'unchanged' : 'updated';
    };
    if (request.dryRun === true) {
      const current = await this.store.get(caller.workspace, name);
      const action = decide(current);
      return { action, changes, resource: current === null || action !== 'unchanged' ? preview(definition, current) : current.view };
    }
    const grant = definition.manifest.spec.scaleBack === undefined ? null : await this.starter.grantOf(caller);
    const { action, workflow } = await this.store.apply(caller.workspace, definition, grant, decide, async (tx, what, version) => {
      await recordVersion(tx, caller.workspace, name, { by: caller.name, revertedTo });
      await this.audit.append(tx, caller, {
        action: 'workflow.apply',
        target: `workflow ${name}`,
        detail: { what, version, hash: definition.hash, ...(revertedTo !== undefined && { revertedTo }) },
      });
      if (grant !== null) return;
      const because = `${name} names no smaller workflow any more`;
      await this.scaleBacks.end(tx, caller.workspace, name, { how: 'hand', because, by: caller, to: before });
    });
    return { action, changes, resource: workflow.view };
  }

  /** The definition, wholly checked: nothing that could not be started is stored. */
  private async read(
    { name, manifest, source, version, hash }: ApplyWorkflowRequest,
    { workspace }: Caller,
  ): Promise<{ definition: Definition; revertedTo?: number }> {
    if ([manifest, source, version, hash].filter((one) => one !== undefined).length !== 1) {
      throw new Fault('invalid', 'the workflow is expected as manifest, as source, or as an earlier version or hash', 'Send one of them.');
    }
    if (manifest !== undefined) return { definition: this.check(manifest) };
    if (source === undefined) {
      const earlier = await this.db.inWorkspace(workspace, (tx) => earlierVersion(tx, name, { version, hash }));
      return { definition: this.check(earlier.manifest), revertedTo: earlier.version };
    }
    const read = readSource(source);
    return { definition: withPlaces(read, () => this.check(read.value)) };
  }

  private check(value: unknown): Definition {
    return checkDefinition(value, (definition) => this.definitions.compile(definition)).definition;
  }
}

/** What would stand there. */
function preview({ manifest, hash }: Definition, current: StoredWorkflow | null): StoredWorkflow['view'] {
  const at = new Date().toISOString();
  return {
    name: manifest.metadata.name,
    description: manifest.metadata.description ?? null,
    labels: manifest.metadata.labels ?? {},
    hash,
    version: (current?.view.version ?? 0) + 1,
    steps: Object.keys(manifest.spec.steps).length,
    input: manifest.spec.input ?? null,
    ...scaleBackView(manifest.spec),
    createdAt: current?.view.createdAt ?? at,
    updatedAt: at,
  };
}
