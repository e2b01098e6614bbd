import type { BeatInstanceRequest } from '@signalbox/shared/contracts/registry/beat-instance.js';
import type { InstanceStatus } from '@signalbox/shared/contracts/registry/instance.js';

/** What is kept of an instance between its beats. */
export interface InstanceState {
  status: InstanceStatus;
  capacity: number;
  inFlight: number;
  /** It said that it takes no more work, which its status does not show while it is isolated. */
  isDraining: boolean;
}

export interface AfterBeat {
  next: InstanceState;
  /** Status, capacity or whether it drains is another than before: to be written and told at once. A mere beat is not. */
  isChange: boolean;
  /** It went without draining first: it was not asked to go. */
  isLost: boolean;
}

/** An instance after a beat; `before` is null for one that was not known. A beat of one that was gone brings it back, of one that is isolated does not. */
export function afterBeat(before: InstanceState | null, beat: Pick<BeatInstanceRequest, 'status' | 'capacity' | 'inFlight'>): AfterBeat {
  const next: InstanceState = {
    status: before?.status === 'isolated' && beat.status !== 'gone' ? 'isolated' : (beat.status ?? 'live'),
    capacity: beat.capacity,
    inFlight: beat.status === 'gone' ? 0 : beat.inFlight,
    isDraining: beat.status === 'draining',
  };
  return {
    next,
    isChange:
      before === null || before.status !== next.status || before.capacity !== next.capacity || before.isDraining !== next.isDraining,
    isLost: next.status === 'gone' && before?.status === 'live',
  };
}
