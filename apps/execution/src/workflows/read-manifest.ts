import { Ajv, type ErrorObject } from 'ajv';
import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import { readFileSync } from 'node:fs';
import { isCollection, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type { WorkflowManifest } from './manifest.ts';

/** The published JSON Schema of workflow files. */
export const workflowSchema = JSON.parse(readFileSync(new URL('../../schemas/workflow.schema.json', import.meta.url), 'utf8')) as Record<
  string,
  unknown
>;

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile<WorkflowManifest>(workflowSchema);
/** More than these in one answer help nobody. */
const errorsMax = 20;
const depthMax = 64;

/** Checks a manifest against the schema. `invalid` with a pointer for each wrong place. */
export function checkManifest(manifest: unknown): WorkflowManifest {
  if (JSON.stringify(manifest)?.includes('\\u0000')) {
    throw new Fault('invalid', 'the manifest holds the character NUL', 'Leave it out: no text may hold it.');
  }
  if (validate(manifest)) return manifest;
  const errors = (validate.errors ?? [])
    .filter(({ keyword }) => keyword !== 'if' && keyword !== 'propertyNames')
    .slice(0, errorsMax)
    .map(detailOf);
  const [first] = errors;
  const detail =
    errors.length === 1 && first
      ? `${first.pointer || 'the manifest'}: ${first.detail}`
      : `${errors.length} places of the manifest are wrong`;
  throw new Fault('invalid', detail, 'Correct what `errors` names; docs/workflows.md says what a workflow may hold.', { errors });
}

function detailOf(error: ErrorObject): FaultDetail {
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'additionalProperties') {
    return { pointer: `${error.instancePath}/${String(params['additionalProperty'])}`, detail: 'is not a known field' };
  }
  if (error.keyword === 'const') return { pointer: error.instancePath, detail: `must be ${String(params['allowedValue'])}` };
  if (error.keyword === 'enum')
    return { pointer: error.instancePath, detail: `must be one of ${(params['allowedValues'] as string[]).join(', ')}` };
  return { pointer: error.instancePath, detail: error.message ?? 'is wrong' };
}

/** A manifest that was read from text, and where each of its places stands there. */
export interface ReadSource {
  value: unknown;
  /** `line 3, column 5`, for a JSON Pointer. */
  placeOf: (pointer: string) => string;
}

/** Reads one YAML 1.2 document. `invalid`, naming line and column, for what is not YAML, repeats a key, is too deep or unfolds aliases. */
export function readSource(source: string): ReadSource {
  const lines = new LineCounter();
  refuseDepth(source);
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true, merge: false, strict: true, prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw unreadable(`line ${line}, column ${col}: ${error.message}`);
  }
  let value: unknown;
  try {
    // Aliases are how a few lines become millions of values: a workflow has no use for them.
    value = document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw unreadable(`aliases are not allowed: ${(cause as Error).message}`);
  }
  const placeOf = (pointer: string): string => {
    const { line, col } = lines.linePos(offsetOf(document, pointer));
    return `line ${line}, column ${col}`;
  };
  return { value, placeOf };
}

function unreadable(detail: string): Fault {
  return new Fault('invalid', detail, 'Correct the file and apply it again.', { errors: [{ pointer: '', detail }] });
}

/** Nesting is refused before the recursive parser sees it: block nesting by indentation, flow nesting by brackets. */
function refuseDepth(source: string): void {
  let brackets = 0;
  let line = 1;
  let dashes = 0;
  for (const character of source) {
    if (character === '\n') {
      line++;
      dashes = 0;
    } else if (character === '[' || character === '{') brackets++;
    else if (character === ']' || character === '}') brackets = Math.max(0, brackets - 1);
    else if (character === '-' || character === '?') dashes++;
    if (brackets > depthMax || (dashes > 2 * depthMax && /^\s*(?:[-?]\s+){64}/m.test(source.split('\n')[line - 1] ?? ''))) {
      throw unreadable(`line ${line}: nested more than ${depthMax} levels deep`);
    }
  }
  const indents = new Set(source.split('\n').map((text) => /^ */.exec(text)?.[0].length ?? 0));
  if (indents.size > depthMax) throw unreadable(`nested more than ${depthMax} levels deep`);
}

/** The place of what a pointer names, or of the nearest thing around it. */
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
    const errors = thrown.errors.map(({ pointer, detail }) => ({ pointer, detail: `${source.placeOf(pointer)}: ${detail}` }));
    const [first] = errors;
    const detail = errors.length === 1 && first ? first.detail : `${thrown.detail}; the first at ${first?.detail ?? ''}`;
    throw new Fault(thrown.code, detail, thrown.next, { errors, cause: thrown });
  }
}
