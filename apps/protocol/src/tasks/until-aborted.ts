/** The work's outcome, or the abort's reason at once: a target that does not listen holds nothing up. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    work
      .then(resolve, (thrown: unknown) => reject(signal.aborted ? (signal.reason as Error) : (thrown as Error)))
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}
