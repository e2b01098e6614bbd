import type { IncidentStatus, RecoveryStage, Severity } from '@signalbox/sdk/client/incidents.js';
import { lampOf, type Lamp } from './lamps.ts';

const states: Record<IncidentStatus, string> = { open: 'failed', acknowledged: 'running', resolved: 'done' };

/** The lamp of an incident: one that nobody looks after stands out. */
export function incidentLampOf(status: IncidentStatus): Lamp {
  return { ...lampOf(states[status]), word: lampOf(status).word };
}

export function severityWord(severity: Severity): string {
  return `${severity.charAt(0).toUpperCase()}${severity.slice(1)}`;
}

/** A stage of a recovery, as a word of a sentence that begins with it. */
export function stageWord(stage: RecoveryStage): string {
  return stage === 'given-up' ? 'Given up' : `${stage.charAt(0).toUpperCase()}${stage.slice(1)}`;
}
