/** Names of the headers on our bus. */
export const header = {
  /** The signed identity (a JWT). */
  identity: 'Sb-Identity',
  /** Epoch milliseconds after which nobody waits. */
  deadline: 'Sb-Deadline',
  /** The call's id, by which it is cancelled. */
  call: 'Sb-Call',
  traceparent: 'traceparent',
  /** Set on what is asked for a mirrored call, which must change nothing. */
  mirror: 'Sb-Mirror',
  /** Set on a reply that is a fault: its code. */
  fault: 'Sb-Fault',
} as const;

/** Where a caller says that it waits no more: heard by every replica of the service, the body is the call's id. */
export function cancelSubject(service: string): string {
  return `sb.cancel.${service}`;
}

/** Where a caller asks whether its call is still being served: heard by every replica of the service, answered by the one that serves it. */
export function servedSubject(service: string): string {
  return `sb.served.${service}`;
}
