import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import { isCollection, isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, visit, type Document } from 'yaml';

/** Where something stands in a text, from 1. */
export interface Place {
  line: number;
  column: number;
}

/** A manifest that was read from text, and where each of its places stands there. */
export interface ReadSource {
  value: unknown;
  /** The place of what a JSON Pointer names, or of the nearest thing around it. */
  placeOf: (pointer: string) => Place;
}

/** Longer than any file that a person writes; the contract of `apply` takes no more. */
const sourceMax = 262_144;
/** More than these in one answer help nobody. */
export const errorsMax = 20;
const depthMax = 64;

/**
 * Reads one YAML 1.2 document. `invalid`, naming line and column of each wrong place, for what is not YAML, repeats a key, is too deep, unfolds
 * aliases, or is more than one document.
 */
export function readSource(source: string): ReadSource {
  if (source.length > sourceMax) {
    throw unreadable([{ pointer: '', detail: `the file has more than ${sourceMax} characters`, line: 1, column: 1 }]);
  }
  refuseDepth(source);
  const lines = new LineCounter();
  const at = (offset: number): Place => placeAt(lines, offset);
  const parsed = parseAllDocuments(source, { lineCounter: lines, uniqueKeys: true, merge: false, strict: true, prettyErrors: false });
  const documents = Array.isArray(parsed) ? parsed : [];
  const errors = documents.flatMap((document) =>
    document.errors.map(({ message, pos }) => ({ pointer: '', detail: message, ...at(pos[0]) })),
  );
  if (errors.length > 0) throw unreadable(errors.slice(0, errorsMax));
  const [document, second] = documents;
  if (document === undefined) throw unreadable([{ pointer: '', detail: 'the file is empty', line: 1, column: 1 }]);
  if (second !== undefined) {
    const place = at(second.contents?.range?.[0] ?? second.range[0]);
    throw unreadable([{ pointer: '', detail: 'a second document begins here: one file holds one workflow', ...place }]);
  }
  refuseContents(document, at);
  return { value: document.toJS({ maxAliasCount: 0 }) as unknown, placeOf: (pointer) => placeIn(document, lines, pointer) };
}

/** The place of what a JSON Pointer names in a parsed document, or of the nearest thing around it. */
export function placeIn(document: Document, lines: LineCounter, pointer: string): Place {
  return placeAt(lines, offsetOf(document, pointer));
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function unreadable(errors: FaultDetail[]): Fault {
  return new Fault('invalid', summaryOf(errors), 'Correct the file there.', { errors });
}

/** Aliases are how a few lines become millions of values: a workflow has no use for them. Nor for numbers that JSON cannot hold. */
function refuseContents(document: Document, at: (offset: number) => Place): void {
  const errors: FaultDetail[] = [];
  const refuse = (detail: string, { range }: { range?: readonly number[] | null | undefined }): symbol | undefined => {
    errors.push({ pointer: '', detail, ...at(range?.[0] ?? 0) });
    return errors.length < errorsMax ? undefined : visit.BREAK;
  };
  visit(document, {
    Alias: (_, node) => refuse(`aliases are not allowed: write out what *${node.source} stands for`, node),
    Scalar: (_, node) =>
      typeof node.value === 'number' && !Number.isFinite(node.value)
        ? refuse(`${node.value} is no number that JSON can hold`, node)
        : undefined,
  });
  if (errors.length > 0) throw unreadable(errors);
}

/** Nesting is refused before the recursive parser sees it: block nesting by indentation, flow nesting by brackets. */
function refuseDepth(source: string): void {
  const refuse = (line: number, column: number): never => {
    throw unreadable([{ pointer: '', detail: `nested more than ${depthMax} levels deep`, line, column }]);
  };
  const indents = new Set<number>();
  let brackets = 0;
  source.split('\n').forEach((text, index) => {
    indents.add(text.length - text.trimStart().length);
    if (indents.size > depthMax) refuse(index + 1, text.length - text.trimStart().length + 1);
    let dashes = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text[at];
      if (character === '[' || character === '{') brackets++;
      else if (character === ']' || character === '}') brackets = Math.max(0, brackets - 1);
      else if (character === '-' || character === '?') dashes++;
      if (brackets > depthMax) refuse(index + 1, at + 1);
      if (dashes > 2 * depthMax && /^\s*(?:[-?]\s+){64}/.test(text)) refuse(index + 1, at + 1);
    }
  });
}

function offsetOf(document: Document, pointer: string): number {
  let node: unknown = document.contents;
  let offset = 0;
  const keep = (found: unknown): void => {
    if ((isCollection(found) || isScalar(found)) && found.range) offset = found.range[0];
  };
  keep(node);
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
      if (!pair) break;
      keep(pair.key);
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      keep(node);
    } else break;
  }
  return offset;
}

/** Adds line and column to the faults of what was read from text. */
export function withPlaces<T>(source: ReadSource, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof Fault) || !thrown.errors) throw thrown;
    const errors = thrown.errors.map((error) => ({ ...error, ...source.placeOf(error.pointer) }));
    throw new Fault(thrown.code, summaryOf(errors), thrown.next, { errors, cause: thrown });
  }
}

function summaryOf(errors: readonly FaultDetail[]): string {
  const [first] = errors;
  if (first === undefined) return 'the file is wrong';
  const shown = `line ${first.line}, column ${first.column}: ${first.detail}`;
  return errors.length === 1 ? shown : `${errors.length} places of the file are wrong; the first at ${shown}`;
}
