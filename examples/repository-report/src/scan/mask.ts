/** A source text taken apart. Offsets and lines are those of the text itself. */
export interface Masked {
  /** The code alone: comments are spaces, each text literal is `"N"`-free quotes around spaces, newlines stay. */
  code: string;
  comments: { start: number; end: number; text: string; isDoc: boolean }[];
  /** Text literals without their quotes, by the offset of their opening quote. */
  literals: Map<number, string>;
}

/** After these a slash begins a regular expression, not a division. */
const beforeRegex = /(?:^|[=(,;:!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield))\s*$/;

/** Separates code, comments and text literals of TypeScript and JavaScript, so that words in texts are not taken for code. */
export function mask(source: string): Masked {
  const out = source.split('');
  const comments: Masked['comments'] = [];
  const literals = new Map<number, string>();
  const blank = (start: number, end: number): void => {
    for (let i = start; i < end; i++) if (out[i] !== '\n') out[i] = ' ';
  };
  /** Depths of braces at which a template literal goes on after `}`. */
  const templates: number[] = [];
  let depth = 0;
  let i = 0;

  const readTemplate = (start: number): number => {
    let at = start;
    while (at < source.length) {
      if (source[at] === '\\') at += 2;
      else if (source[at] === '`') {
        blank(start, at);
        return at + 1;
      } else if (source[at] === '$' && source[at + 1] === '{') {
        blank(start, at);
        templates.push(depth);
        depth++;
        return at + 2;
      } else at++;
    }
    blank(start, source.length);
    return source.length;
  };

  while (i < source.length) {
    const char = source[i] as string;
    const next = source[i + 1];
    if (char === '/' && next === '/') {
      const end = endOr(source.indexOf('\n', i), source.length);
      comments.push({ start: i, end, text: source.slice(i + 2, end), isDoc: false });
      blank(i, end);
      i = end;
    } else if (char === '/' && next === '*') {
      const end = endOr(source.indexOf('*/', i + 2) + 2, source.length, 1);
      comments.push({ start: i, end, text: source.slice(i + 2, end - 2), isDoc: source.startsWith('/**', i) && end - i > 4 });
      blank(i, end);
      i = end;
    } else if (char === '"' || char === "'") {
      let end = i + 1;
      while (end < source.length && source[end] !== char && source[end] !== '\n') end += source[end] === '\\' ? 2 : 1;
      literals.set(i, source.slice(i + 1, end));
      blank(i + 1, Math.min(end, source.length));
      i = end + 1;
    } else if (char === '`') {
      i = readTemplate(i + 1);
    } else if (char === '/' && beforeRegex.test(source.slice(Math.max(0, i - 24), i).replace(/\/\*.*?\*\//g, ''))) {
      const end = endOfRegex(source, i);
      if (end > i) blank(i + 1, end);
      i = Math.max(end, i + 1);
    } else {
      if (char === '{') depth++;
      else if (char === '}') {
        depth = Math.max(0, depth - 1);
        if (templates.at(-1) === depth) {
          templates.pop();
          i = readTemplate(i + 1);
          continue;
        }
      }
      i++;
    }
  }
  return { code: out.join(''), comments, literals };
}

function endOr(found: number, otherwise: number, least = 0): number {
  return found <= least ? otherwise : found;
}

/** The end of a regular expression that begins at `start`; `start` itself where the line ends first. */
function endOfRegex(source: string, start: number): number {
  let isInClass = false;
  for (let i = start + 1; i < source.length; i++) {
    const char = source[i];
    if (char === '\n') return start;
    if (char === '\\') i++;
    else if (char === '[') isInClass = true;
    else if (char === ']') isInClass = false;
    else if (char === '/' && !isInClass) return i + 1;
  }
  return start;
}
