import { beginning, cleanLine, displayWidth } from './clean.ts';

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], blue: [34, 39], cyan: [36, 39] } as const;

export type Style = keyof typeof codes;

/**
 * A line for the terminal: pieces of clean text with a style each. All that is printed goes through it, so that no text from a server can
 * bring control codes of its own.
 */
export class Styled {
  readonly pieces: readonly { text: string; style?: Style }[];

  constructor(pieces: readonly { text: string; style?: Style }[]) {
    this.pieces = pieces.map(({ text, style }) => ({ text: cleanLine(text), ...(style && { style }) }));
  }

  get text(): string {
    return this.pieces.map((piece) => piece.text).join('');
  }

  get width(): number {
    return displayWidth(this.text);
  }

  /** As a string, with or without colour. */
  render(isColoured: boolean): string {
    return this.pieces
      .map(({ text, style }) => (isColoured && style && text !== '' ? `\u001b[${codes[style][0]}m${text}\u001b[${codes[style][1]}m` : text))
      .join('');
  }

  /** Filled with spaces to so many columns. */
  padEnd(columns: number): Styled {
    return new Styled([...this.pieces, { text: ' '.repeat(Math.max(0, columns - this.width)) }]);
  }

  padStart(columns: number): Styled {
    return new Styled([{ text: ' '.repeat(Math.max(0, columns - this.width)) }, ...this.pieces]);
  }

  /** Cut to so many columns. */
  cut(columns: number): Styled {
    if (this.width <= columns) return this;
    const pieces: { text: string; style?: Style }[] = [];
    let left = columns;
    for (const piece of this.pieces) {
      const width = displayWidth(piece.text);
      if (width < left) {
        pieces.push(piece);
        left -= width;
        continue;
      }
      // The ellipsis stands where the first piece does not fit any more.
      pieces.push({ ...piece, text: `${beginning(piece.text, left - 1)}…` });
      break;
    }
    return new Styled(pieces);
  }
}

export type Text = string | number | Styled;

/** Builds a line: `line\`agent ${bold(name)} is ${status}\``. */
export function line(literals: TemplateStringsArray, ...values: readonly Text[]): Styled {
  return join(literals.flatMap((literal, i) => (i === 0 ? [literal] : [values[i - 1] as Text, literal])));
}

/** Puts pieces together. */
export function join(parts: readonly Text[], between = ''): Styled {
  const pieces: { text: string; style?: Style }[] = [];
  parts.forEach((part, i) => {
    if (i > 0 && between !== '') pieces.push({ text: between });
    pieces.push(...(part instanceof Styled ? part.pieces : [{ text: String(part) }]));
  });
  return new Styled(pieces);
}

function styled(style: Style): (text: Text) => Styled {
  return (text) => new Styled([{ text: text instanceof Styled ? text.text : String(text), style }]);
}

export const bold = styled('bold');
export const dim = styled('dim');
export const red = styled('red');
export const green = styled('green');
export const yellow = styled('yellow');
export const blue = styled('blue');
export const cyan = styled('cyan');
