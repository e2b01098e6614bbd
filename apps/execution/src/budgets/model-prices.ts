import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getModelPrices } from '@signalbox/shared/contracts/protocol/get-model-prices.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { AboveBudget, Price } from '@signalbox/workflow/core/budget.js';
import { pricedModels, type Graph } from '@signalbox/workflow/core/graph.js';

/** Prices change when `protocol` is started anew. */
const keepMs = 30_000;
const knownMax = 1_000;

/** What models cost, as `protocol` knows it. */
@Injectable()
export class ModelPrices {
  private readonly known = new Map<string, { price: Price; at: number }>();

  constructor(private readonly bus: Bus) {}

  /**
   * The prices that a run of this graph is bound to; undefined where nothing limits what it costs. `invalid` where its workflow limits that and one
   * is not known; below a budget above it, only the step whose model it is says so.
   */
  async of(graph: Graph, above: readonly AboveBudget[] = []): Promise<Record<string, Price> | undefined> {
    const bound = pricedModels(graph);
    const models = above.some(({ measures }) => measures.includes('costUsd')) ? pricedModels(graph, true) : bound;
    if (models.length === 0) return undefined;
    const isOld = (model: string): boolean => performance.now() - (this.known.get(model)?.at ?? -Infinity) > keepMs;
    const asked = models.filter(isOld);
    if (asked.length > 0) await this.ask(asked);
    const missing = bound.find((model) => !this.known.has(model));
    if (missing === undefined)
      return Object.fromEntries(models.flatMap((model) => (this.known.has(model) ? [[model, this.known.get(model)?.price as Price]] : [])));
    const detail = `nobody knows what the model ${missing} costs, and its cost is limited`;
    throw new Fault('invalid', detail, 'Name it in MODEL_PRICES, or limit tokens in place of costUsd.');
  }

  private async ask(models: string[]): Promise<void> {
    const { data } = await this.bus.request(getModelPrices, { models }, 'service');
    if (this.known.size > knownMax) this.known.clear();
    for (const model of models) this.known.delete(model);
    for (const { model, inputUsd, outputUsd } of data) this.known.set(model, { price: { inputUsd, outputUsd }, at: performance.now() });
  }
}
