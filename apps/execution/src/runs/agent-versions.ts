import { forkVersionsMax } from '@signalbox/shared/contracts/execution/fork-run.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { namePattern } from '@signalbox/shared/ids/ids.js';
import { definitionOf, type Definition } from '@signalbox/workflow/language/definition.js';
import type { StepManifest } from '@signalbox/workflow/language/manifest.js';

type Versions = Readonly<Record<string, number>>;
type Steps = Record<string, StepManifest>;

/** Refuses what names no version of an agent. */
export function checkVersions(versions: Versions): void {
  const entries = Object.entries(versions);
  if (entries.length > forkVersionsMax) throw refused(`of at most ${forkVersionsMax} agents the version can be changed`, '/versions');
  const bad = entries.find(([name, version]) => !namePattern.test(name) || !Number.isSafeInteger(version) || version < 1);
  if (bad !== undefined) throw refused('a version is a number from 1 under the name of an agent', `/versions/${bad[0].slice(0, 63)}`);
}

/**
 * The same workflow, whose steps among those that are `doneAgain`, and those of `finally`, call these agents at these versions. A step that is kept stays as
 * it was written: it was done by the version that it names.
 */
export function atVersions(definition: Definition, versions: Versions, doneAgain: ReadonlySet<string>): Definition {
  const wanted = new Map(Object.entries(versions));
  if (wanted.size === 0) return definition;
  const found = new Set<string>();
  const pinned = (steps: Steps, isDone: (key: string) => boolean): Steps =>
    Object.fromEntries(
      Object.entries(steps).map(([key, step]) => {
        const version = step.agent !== undefined && isDone(key) ? wanted.get(step.agent) : undefined;
        if (version === undefined) return [key, step];
        found.add(step.agent as string);
        return [key, { ...step, version }];
      }),
    );
  const { manifest } = definition;
  const { spec } = manifest;
  const changed = {
    ...spec,
    steps: pinned(spec.steps, (key) => doneAgain.has(key)),
    ...(spec.finally && { finally: pinned(spec.finally, () => true) }),
  };
  const missed = [...wanted.keys()].find((name) => !found.has(name));
  if (missed !== undefined) throw refused(`no step that is done again names the agent ${missed}`, `/versions/${missed}`);
  return definitionOf({ ...manifest, spec: changed });
}

function refused(detail: string, pointer: string): Fault {
  return new Fault('invalid', detail, 'Name agents of the steps that are done again, each with one of its versions.', {
    errors: [{ pointer, detail }],
  });
}
