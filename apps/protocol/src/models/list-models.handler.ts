import { Controller } from '@nestjs/common';
import { Handles, FromCall } from '@signalbox/shared/bus/handles.js';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { listModels, ListModelsReply, type Model } from '@signalbox/shared/contracts/protocol/list-models.js';
import { modelFault } from './model-fault.ts';
import { Providers } from './providers.ts';

/** Providers are asked at most this often. */
const keepMs = 60_000;
/** A reply has room for as many. */
const modelsMax = 2_000;

@Controller()
export class ListModelsHandler {
  private known: { at: number; models: Model[] } | null = null;

  constructor(private readonly providers: Providers) {}

  @Handles(listModels)
  async handle(@FromCall() { signal }: BusCall): Promise<ListModelsReply> {
    if (!this.providers.hasDefault) return { data: [] };
    if (!this.known || performance.now() - this.known.at > keepMs) {
      this.known = { at: performance.now(), models: await this.ask(signal) };
    }
    return { data: this.known.models };
  }

  private async ask(signal: AbortSignal): Promise<Model[]> {
    try {
      const { data } = await this.providers.defaultClient().models.list({ signal });
      return data
        .slice(0, modelsMax)
        .map(({ id, owned_by, created }) => ({ id, provider: 'default', ...(owned_by && { ownedBy: owned_by }), created: created ?? 0 }))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
    } catch (thrown) {
      throw modelFault(thrown, 'models', signal);
    }
  }
}
