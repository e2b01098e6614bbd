import type { StageMoveKind } from '@signalbox/shared/contracts/registry/get-stages.js';
import type { Stage } from '@signalbox/shared/contracts/registry/stage.js';
import type { Role } from '@signalbox/shared/identity/roles.js';

/** The newest that a source said of a metric of a version. */
export interface Measured {
  metric: string;
  value: number;
  source: string;
  /** `evidence_…`. */
  evidence: string;
  at: Date;
}

/** A version at a stage. */
export interface Holder {
  stage: Stage;
  version: number;
  /** The version that was there before, if it can come back. */
  previous: number | null;
  since: Date;
  by: string;
  byName: string;
}

/** Something that was done to a stage. */
export interface Move {
  move: StageMoveKind;
  stage: Stage;
  version: number;
  by: string;
  byName: string;
  roles: Role[];
  reason: string | null;
  at: Date;
}
