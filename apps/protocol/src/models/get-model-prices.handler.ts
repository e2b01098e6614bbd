import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  getModelPrices,
  type GetModelPricesReply,
  type GetModelPricesRequest,
} from '@signalbox/shared/contracts/protocol/get-model-prices.js';
import { Prices } from './prices.ts';

@Controller()
export class GetModelPricesHandler {
  constructor(private readonly prices: Prices) {}

  @Handles(getModelPrices)
  handle(@Payload() { models }: GetModelPricesRequest): GetModelPricesReply {
    const data = models.flatMap((model) => {
      const price = this.prices.of(model);
      return price === undefined ? [] : [{ model, inputUsd: price.inputUsd, outputUsd: price.outputUsd }];
    });
    return { data };
  }
}
