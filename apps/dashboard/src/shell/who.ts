import type { WhoAmI } from '@signalbox/sdk/client/system.js';
import { createContext, use } from 'react';
import { may } from '../model/permissions.ts';

export const WhoContext = createContext<WhoAmI | null>(null);

/** Who is signed in. Only inside the shell. */
export function useWho(): WhoAmI {
  const who = use(WhoContext);
  if (!who) throw new Error('useWho is used outside the signed-in part of the page');
  return who;
}

/** Whether the signed-in person may do it: what they may not is not offered. */
export function useMay(permission: string): boolean {
  return may(useWho(), permission);
}
