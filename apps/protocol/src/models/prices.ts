import { Injectable } from '@nestjs/common';
import { ProtocolConfig } from '../protocol.config.ts';

interface Price {
  inputUsd: number;
  outputUsd: number;
}

const perTokens = 1_000_000;

/** What models cost, from `gpt-5=1.25/10`: US dollars per million input and output tokens. */
@Injectable()
export class Prices {
  private readonly prices: Map<string, Price>;

  constructor({ modelPrices }: ProtocolConfig) {
    this.prices = new Map(
      modelPrices.map((entry) => {
        const at = entry.lastIndexOf('=');
        const [inputUsd = 0, outputUsd = 0] = entry
          .slice(at + 1)
          .split('/')
          .map(Number);
        return [entry.slice(0, at), { inputUsd, outputUsd }];
      }),
    );
  }

  /** The model's price; undefined where nobody gave it. */
  of(model: string): Price | undefined {
    return this.prices.get(model);
  }

  /** Whether somebody gave the model's price. */
  knows(model: string): boolean {
    return this.prices.has(model);
  }

  /** In US dollars; 0 for a model whose price nobody gave. */
  costUsd(model: string, inputTokens: number, outputTokens: number): number {
    const price = this.prices.get(model);
    return price ? (inputTokens * price.inputUsd + outputTokens * price.outputUsd) / perTokens : 0;
  }
}
