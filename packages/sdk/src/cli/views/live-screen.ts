import type { Out } from '../out.ts';
import type { Styled } from '../text/styled.ts';

/** A block of lines at the end of a terminal that is redrawn in place. */
export class LiveScreen {
  readonly #out: Out;
  #drawn = 0;
  #last = '';

  constructor(out: Out) {
    this.#out = out;
  }

  /** Draws the lines over the last ones. What does not fit on the terminal is cut at the end: rows above it cannot be reached. */
  draw(lines: readonly Styled[]): void {
    const max = Math.max(2, this.#out.rows - 1);
    const shown = lines.slice(0, max);
    const text = shown.map((one) => `${this.#out.render(one.cut(this.#out.columns)).trimEnd()}\u001b[K\n`).join('');
    if (text === this.#last) return;
    this.#last = text;
    this.#out.control(`${this.#drawn > 0 ? `\u001b[${this.#drawn}F` : ''}${text}\u001b[J`);
    this.#drawn = shown.length;
  }

  /** Draws them in full for the last time: what follows is written below. */
  end(lines: readonly Styled[]): void {
    if (this.#drawn > 0) this.#out.control(`\u001b[${this.#drawn}F\u001b[J`);
    this.#drawn = 0;
    this.#last = '';
    this.#out.lines(...lines);
  }
}
