import { parseJson } from '@signalbox/shared/bus/json.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { applyTransition, type Graphs } from '../core/apply.ts';
import type { Transition } from '../core/events.ts';
import { bounds, type Graph } from '../core/graph.ts';
import type { Json } from '../core/json.ts';
import { hasEnded, newRun, type RunState } from '../core/state.ts';
import { incompatibilities } from '../core/upgrade.ts';
import { checkDefinition } from '../language/check-definition.ts';
import type { Definition } from '../language/definition.ts';
import { eventOf } from '../views/event-view.ts';
import { faultOfTransition } from './check-transition.ts';
import { hashAfter, lineMaxBytes, runFileFormat, runFileMaxBytes, runFileVersion, type RunFileEnd, type RunFileHead } from './format.ts';

const labelsMax = 64;
/** Definitions that one run went over to: each is compiled. */
const upgradesMax = 1_000;
/** Others have their turn after this; and no run of ours takes the second to be told. */
const turnMs = 20;
const tellingMaxMs = 5_000;

/** A run that was read from a file, wholly checked. */
export interface ReadRun {
  head: RunFileHead['run'];
  definition: Definition;
  /** What it went over to. */
  upgrades: Definition[];
  graph: Graph;
  transitions: Transition[];
  /** As it is after all of them, under the id that was given. */
  state: RunState;
}

/** Reads a run's file as it comes. Each fault is `invalid` and names the line. */
export class RunFileReader {
  private rest: Buffer[] = [];
  private restBytes = 0;
  private bytes = 0;
  private lines = 0;
  private hash = '';
  private head: RunFileHead | undefined;
  private isEnded = false;
  private readonly blobs = new Map<string, Json>();
  /** Those it went over to, and the lines that they are on. */
  private readonly upgrades = new Map<string, { definition: unknown; line: number }>();
  private readonly transitions: Transition[] = [];
  private units = 0;

  /** Takes the next bytes. */
  add(piece: Buffer): void {
    this.bytes += piece.length;
    if (this.bytes > runFileMaxBytes) {
      throw new Fault('invalid', `the file has more than ${runFileMaxBytes} bytes`, 'A run as large as that cannot be read here.', {
        status: 413,
      });
    }
    let from = 0;
    for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, from)) {
      this.keep(piece.subarray(from, at));
      from = at + 1;
      const line = Buffer.concat(this.rest);
      this.rest = [];
      this.restBytes = 0;
      this.take(line);
    }
    this.keep(piece.subarray(from));
  }

  /** What it was, once all has come. `run`: the UUID that it gets. */
  async end(run: string): Promise<ReadRun> {
    if (this.restBytes > 0) this.take(Buffer.concat(this.rest));
    if (this.lines === 0) throw new Fault('invalid', 'the file is empty', 'Give a file that signalbox runs export has written.');
    if (!this.isEnded) throw this.wrong('the file ends before its end: it was cut');
    const { run: head, definition: manifest } = this.head as RunFileHead;
    const { definition, graph } = this.definitionOf(manifest, head.workflowHash, 1);
    const upgrades: Definition[] = [];
    const graphs = new Map<string, Graph>();
    for (const [hash, upgrade] of this.upgrades) {
      await nextTurn();
      const checked = this.definitionOf(upgrade.definition, hash, upgrade.line);
      upgrades.push(checked.definition);
      graphs.set(hash, checked.graph);
    }
    const state = await this.restored(run, graph, graphs);
    return { head, definition, upgrades, graph, transitions: this.transitions, state };
  }

  private keep(piece: Buffer): void {
    if (piece.length === 0) return;
    this.rest.push(piece);
    this.restBytes += piece.length;
    if (this.restBytes > lineMaxBytes) throw this.wrong(`it is longer than ${lineMaxBytes} bytes`, this.lines + 1);
  }

  private take(line: Buffer): void {
    this.lines++;
    if (this.isEnded) throw this.wrong('something follows the end');
    const value = this.parsed(line);
    if (this.lines === 1) this.head = this.headOf(value);
    else if ('end' in value) this.checkEnd(value as unknown as RunFileEnd);
    else if (typeof value['blob'] === 'string' && value['value'] !== undefined) this.blobs.set(value['blob'], value['value'] as Json);
    else if (typeof value['hash'] === 'string' && 'definition' in value) this.addUpgrade(value['hash'], value['definition']);
    else this.addTransition(value);
    this.hash = hashAfter(this.hash, line.toString('utf8'));
  }

  private parsed(line: Buffer): Record<string, unknown> {
    let value: unknown;
    try {
      value = parseJson(line, lineMaxBytes);
    } catch (thrown) {
      throw this.wrong(Fault.from(thrown).detail);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.wrong('it is no JSON object');
    return value as Record<string, unknown>;
  }

  private headOf(value: Record<string, unknown>): RunFileHead {
    const { format, version, run, definition } = value as Partial<Record<keyof RunFileHead, unknown>>;
    if (format !== runFileFormat) throw this.wrong('this is no file of a run: its first line does not say so');
    if (version !== 1 && version !== runFileVersion) {
      const detail = `the file has version ${JSON.stringify(version)?.slice(0, 20)}, and versions up to ${runFileVersion} are what this release reads`;
      throw new Fault('invalid', detail, 'Export the run again with this release, or import it into one that knows that version.');
    }
    const { id, workflow, workflowHash, labels, startedBy, createdAt } = (run ?? {}) as Partial<Record<keyof RunFileHead['run'], unknown>>;
    const isText = (each: unknown, max: number): boolean => typeof each === 'string' && each.length <= max && !each.includes('\0');
    const entries = typeof labels === 'object' && labels !== null && !Array.isArray(labels) ? Object.entries(labels) : null;
    const isWhole =
      typeof id === 'string' &&
      idPattern('run').test(id) &&
      typeof workflow === 'string' &&
      /^(?:(?:agent|counterfactual|eval)\/)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(workflow) &&
      isText(workflowHash, 100) &&
      isText(startedBy, 255) &&
      typeof createdAt === 'string' &&
      /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/.test(createdAt) &&
      !Number.isNaN(Date.parse(createdAt)) &&
      entries !== null &&
      entries.length <= labelsMax &&
      entries.every(([key, label]) => isText(key, 63) && isText(label, 255)) &&
      typeof definition === 'object';
    if (!isWhole) throw this.wrong('what it says of the run is not whole');
    return value as unknown as RunFileHead;
  }

  private checkEnd({ end }: RunFileEnd): void {
    if (end?.lines !== this.lines - 1 || end.sha256 !== this.hash) {
      throw this.wrong('the lines before are not those that were written: the file was changed or damaged');
    }
    this.isEnded = true;
  }

  private addUpgrade(hash: string, definition: unknown): void {
    if (this.upgrades.size >= upgradesMax) throw this.wrong(`the run went over to more than ${upgradesMax} definitions`);
    this.upgrades.set(hash, { definition, line: this.lines });
  }

  private addTransition({ seq, ...rest }: Record<string, unknown>): void {
    if (seq !== this.transitions.length)
      throw this.wrong(`event ${this.transitions.length} is expected here, not ${JSON.stringify(seq) ?? 'nothing'}`);
    const { isBlob, ...stored } = rest;
    if (isBlob === true) {
      const field = stored['t'] === 'started' ? 'input' : 'output';
      const name = (stored[field] as { $blob?: unknown } | undefined)?.$blob;
      const value = typeof name === 'string' ? this.blobs.get(name) : undefined;
      if (value === undefined) throw this.wrong('a large value that it needs is missing');
      stored[field] = value;
    }
    const fault = faultOfTransition(stored);
    if (fault !== undefined) throw this.wrong(fault);
    const transition = stored as unknown as Transition;
    this.units += transition.t === 'fanned' ? transition.count : transition.t === 'grew' ? transition.units.length : 0;
    if (this.units > 2 * bounds.units) throw this.wrong('the run has more steps and items than a run can have');
    this.transitions.push(transition);
  }

  private definitionOf(manifest: unknown, hash: string, line: number): { definition: Definition; graph: Graph } {
    let checked: { definition: Definition; graph: Graph };
    try {
      checked = checkDefinition(manifest);
    } catch (thrown) {
      throw this.wrong(`its workflow cannot be used here: ${Fault.from(thrown).detail}`, line);
    }
    if (checked.definition.hash !== hash) throw this.wrong('its workflow is not the one that its hash says', line);
    return checked;
  }

  /** The run as its transitions make it, seen as people see it: what cannot be shown is refused. */
  private async restored(run: string, graph: Graph, graphs: Graphs): Promise<RunState> {
    const ends = this.transitions.filter(({ t }) => t === 'ended').length;
    if (this.transitions[0]?.t !== 'started' || ends !== 1 || this.transitions.at(-1)?.t !== 'ended') {
      throw new Fault('invalid', 'the file has no run from its start to its end', 'Export a run that has ended.');
    }
    const state = newRun(run, graph);
    await this.told((_, transition) => {
      if (transition.t === 'upgraded') fit(state, graphs.get(transition.to));
      applyTransition(state, transition, graphs);
    });
    // The last definition knows every step that was ever named.
    await this.told((seq, transition) => eventOf(run, state.graph, seq, transition));
    if (!hasEnded(state)) throw new Fault('invalid', 'the run of the file has not ended', 'Export a run that has ended.');
    return state;
  }

  private async told(tell: (seq: number, transition: Transition) => void): Promise<void> {
    let took = 0;
    let begun = performance.now();
    for (const [seq, transition] of this.transitions.entries()) {
      try {
        tell(seq, transition);
      } catch (cause) {
        const detail = `what the file tells cannot have happened, at event ${seq}: ${(cause as Error).message}`;
        throw new Fault('invalid', detail, 'Export the run again.', { cause });
      }
      const passed = performance.now() - begun;
      if (passed < turnMs) continue;
      took += passed;
      if (took > tellingMaxMs) throw new Fault('invalid', 'what the file tells takes too long to be told', 'Export the run again.');
      await nextTurn();
      begun = performance.now();
    }
  }

  private wrong(detail: string, line = this.lines): Fault {
    return new Fault('invalid', `line ${line} of the file: ${detail}`, 'Export the run again, and carry the file over unchanged.');
  }
}

/** A run goes over only to what it fits. */
function fit(state: RunState, graph: Graph | undefined): void {
  const [first] = graph === undefined ? [] : incompatibilities(state, graph);
  if (first !== undefined) throw new Error(`${first.step ?? 'the run'}: ${first.because}`);
}
