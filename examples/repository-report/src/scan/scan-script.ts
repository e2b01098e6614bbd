import { mask } from './mask.ts';
import type { Masked } from './mask.ts';

export interface Export {
  name: string;
  kind: string;
  isDocumented: boolean;
}

/** What one TypeScript or JavaScript file shows. */
export interface ScriptScan {
  /** Specifiers of all imports, re-exports and dynamic imports, each once. */
  imports: string[];
  exports: Export[];
  /** Tests declared in it. */
  testCases: number;
  code: number;
  comments: number;
  blank: number;
  markers: { line: number; text: string }[];
}

const importing =
  /(?:^|[^.\w$])(?:import|export)\b[^;"'`]*?\bfrom\s*(?=["'])|(?:^|[^.\w$])import\s*\(?\s*(?=["'])|(?:^|[^.\w$])require\s*\(\s*(?=["'])/g;
const exporting =
  /^export\s+(?:default\s+)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(function|class|const|let|var|interface|type|enum|namespace)\b\s*\*?\s*([\w$]+)?/gm;
const exportLists = /^export\s+(type\s+)?\{([^}]*)\}/gm;
const exportDefault = /^export\s+default\s+(?!(?:async\s+)?(?:function|class|abstract)\b)/gm;
const testing = /(?:^|[\s;{}(])(?:test|it)(?:\.(?:each|only|skip|concurrent|failing))*\s*\(/g;
/** Words that say that something is left to do, as people write them. */
const marker = /\b(?:TODO|FIXME|HACK)\b.*/;

/** Reads a file without running or compiling it. */
export function scanScript(source: string, isTest: boolean): ScriptScan {
  const masked = mask(source);
  const { code, comments, literals } = masked;
  const imports = new Set<string>();
  for (const match of code.matchAll(importing)) {
    const specifier = literals.get(match.index + match[0].length);
    if (specifier !== undefined) imports.add(specifier);
  }
  return {
    imports: [...imports].sort(),
    exports: exportsOf(masked),
    testCases: isTest ? [...code.matchAll(testing)].length : 0,
    ...lineCounts(source, masked),
    markers: comments.flatMap((comment) => {
      const found = marker.exec(comment.text);
      return found ? [{ line: lineAt(source, comment.start + found.index), text: found[0].trim().slice(0, 120) }] : [];
    }),
  };
}

function exportsOf(masked: Masked): Export[] {
  const { code } = masked;
  const found = new Map<string, Export>();
  const add = (name: string, kind: string, at: number): void => {
    const isDocumented = hasDocBefore(masked, at);
    const before = found.get(name);
    // Overloads and a type beside its value share a name: documented once is documented.
    found.set(name, { name, kind: before?.kind ?? kind, isDocumented: isDocumented || (before?.isDocumented ?? false) });
  };
  for (const match of code.matchAll(exporting)) add(match[2] ?? 'default', match[1] as string, match.index);
  for (const match of code.matchAll(exportDefault)) add('default', 'value', match.index);
  for (const match of code.matchAll(exportLists)) {
    const isFrom = /^\s*from\b/.test(code.slice(match.index + match[0].length));
    for (const part of (match[2] as string).split(',')) {
      const name = part
        .trim()
        .split(/\s+as\s+/)
        .at(-1)
        ?.replace(/^type\s+/, '');
      // What is passed on is documented where it is made; what is listed, where it is declared.
      if (name) add(name, 'list', isFrom ? -1 : declarationOf(code, part.trim().split(/\s+as\s+/)[0] ?? name));
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const declaring = /^(?:async\s+)?(?:function|class|const|let|var|interface|type|enum)\s*\*?\s*([\w$]+)/gm;

/** Where a name is declared at the top of a file; -1 where it is not. */
function declarationOf(code: string, name: string): number {
  for (const match of code.matchAll(declaring)) if (match[1] === name) return match.index;
  return -1;
}

/** A line that begins a statement: what is above it belongs to that. */
const declarationStart = /^\s*(?:export|import|const|let|var|function|class|interface|type|enum|async|abstract|declare)\b/m;

/** Whether a doc comment stands right before, decorators in between allowed. */
function hasDocBefore({ code, comments }: Masked, at: number): boolean {
  if (at < 0) return true;
  const doc = comments.findLast((comment) => comment.isDoc && comment.end <= at);
  if (!doc) return false;
  const between = code.slice(doc.end, at).trim();
  return between === '' || (between.startsWith('@') && !declarationStart.test(between));
}

function lineCounts(source: string, { code, comments }: Masked): { code: number; comments: number; blank: number } {
  const lines = source.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const codeLines = code.split('\n');
  const commented = new Set<number>();
  for (const { start, end } of comments) {
    const first = lineAt(source, start);
    const last = lineAt(source, end);
    for (let line = first; line <= last; line++) commented.add(line);
  }
  const counts = { code: 0, comments: 0, blank: 0 };
  lines.forEach((line, i) => {
    if (line.trim() === '') counts.blank++;
    else if ((codeLines[i] ?? '').trim() === '' && commented.has(i + 1)) counts.comments++;
    else counts.code++;
  });
  return counts;
}

/** Counted from 1. */
function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let i = source.indexOf('\n'); i !== -1 && i < offset; i = source.indexOf('\n', i + 1)) line++;
  return line;
}
