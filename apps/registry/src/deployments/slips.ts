import type { Board } from '@signalbox/shared/contracts/registry/board.js';
import type { Slip } from '@signalbox/shared/contracts/registry/get-board.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Slips } from './board.ts';

/** What may slip on a board. `invalid` with a pointer for what is not on it, is done, or is named twice. */
export function slipsOf(board: Board, slips: readonly Slip[]): Slips {
  const byAgent = new Map<string, number>();
  const errors = slips.flatMap(({ agent, days }, index) => {
    const wrong = refusal(board, agent, byAgent);
    byAgent.set(agent, days);
    return wrong === null ? [] : [{ pointer: `/slips/${index}/agent`, detail: wrong }];
  });
  if (errors.length > 0)
    throw new Fault('invalid', errors[0]!.detail, `Name agents that the board of ${board.name} shows as not done.`, { errors });
  return byAgent;
}

function refusal({ name, agents }: Board, wanted: string, before: ReadonlyMap<string, number>): string | null {
  const agent = agents.find((one) => one.name === wanted);
  if (agent === undefined) return `there is no agent ${wanted} on the board of ${name}`;
  if (agent.slackDays === null) return `${wanted} is there already: it cannot slip`;
  return before.has(wanted) ? `${wanted} is named twice` : null;
}
