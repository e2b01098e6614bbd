import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getWorkflow } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { listWorkflows } from '@signalbox/shared/contracts/execution/list-workflows.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { listAgents } from '@signalbox/shared/contracts/registry/list-agents.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { parseModelId, unknownModel } from './model-id.ts';

/** A model as the OpenAI API lists it. */
export interface OpenAiModel {
  id: string;
  object: 'model';
  /** Epoch seconds. */
  created: number;
  owned_by: string;
}

interface Listed {
  name: string;
  createdAt: string;
}

const pageSize = 200;
/** Of each kind; the list of the OpenAI API has no pages. */
const modelsMax = 2_000;

/** Agents and workflows as models. */
@Injectable()
export class Models {
  constructor(private readonly bus: Bus) {}

  /** Those that the caller may read. `forbidden` when that is none of both kinds. */
  async list(caller: Caller): Promise<OpenAiModel[]> {
    const kinds = await Promise.allSettled([
      all('agent', (page) => this.bus.request(listAgents, page, caller)),
      all('workflow', (page) => this.bus.request(listWorkflows, page, caller)),
    ]);
    const failed = kinds.filter((kind) => kind.status === 'rejected');
    const grave = failed.find(({ reason }) => !(reason instanceof Fault && reason.code === 'forbidden'));
    if (grave) throw grave.reason;
    if (failed.length === kinds.length) throw failed[0]!.reason;
    return kinds.flatMap((kind) => (kind.status === 'fulfilled' ? kind.value : []));
  }

  /** One of them. `not_found` when there is none of that name. */
  async find(id: string, caller: Caller): Promise<OpenAiModel> {
    const { kind, name } = parseModelId(id);
    try {
      const { createdAt } =
        kind === 'agent' ? await this.bus.request(getAgent, { name }, caller) : await this.bus.request(getWorkflow, { name }, caller);
      return { ...modelOf(kind, { name, createdAt }), id };
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'not_found') throw unknownModel(id);
      throw thrown;
    }
  }
}

async function all(
  kind: 'agent' | 'workflow',
  page: (request: { limit: number; cursor?: string }) => Promise<{ data: Listed[]; nextCursor: string | null }>,
): Promise<OpenAiModel[]> {
  const models: OpenAiModel[] = [];
  let cursor: string | null = null;
  do {
    const { data, nextCursor }: { data: Listed[]; nextCursor: string | null } = await page({
      limit: pageSize,
      ...(cursor !== null && { cursor }),
    });
    models.push(...data.map((listed) => modelOf(kind, listed)));
    cursor = nextCursor;
  } while (cursor !== null && models.length < modelsMax);
  return models;
}

function modelOf(kind: 'agent' | 'workflow', { name, createdAt }: Listed): OpenAiModel {
  return { id: `${kind}/${name}`, object: 'model', created: Math.floor(Date.parse(createdAt) / 1_000), owned_by: 'signalbox' };
}
