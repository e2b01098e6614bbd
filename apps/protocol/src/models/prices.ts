interface Price {
  inputUsd: number;
  outputUsd: number;
}

const perTokens = 1_000_000;

/** What models cost, from `gpt-5=1.25/10`: US dollars per million input and output tokens. */
export class Prices {
  private readonly prices: Map<string, Price>;

  constructor(entries: readonly string[]) {
    this.prices = new Map(
      entries.map((entry) => {
        const at = entry.lastIndexOf('=');
        const [inputUsd = 0, outputUsd = 0] = entry
          .slice(at + 1)
          .split('/')
          .map(Number);
        return [entry.slice(0, at), { inputUsd, outputUsd }];
      }),
    );
  }

  /** In US dollars; 0 for a model whose price nobody gave. */
  costUsd(model: string, inputTokens: number, outputTokens: number): number {
    const price = this.prices.get(model);
    return price ? (inputTokens * price.inputUsd + outputTokens * price.outputUsd) / perTokens : 0;
  }
}
