import { isPortFree } from '../free-port.ts';
import { StackFault } from '../stack-fault.ts';

/** Refuses a port that somebody listens on, saying who if it is another Signalbox. */
export async function checkPort(port: number, host: string): Promise<void> {
  if (await isPortFree(port, host)) return;
  throw new StackFault(
    `Port ${port} is taken by ${(await isSignalbox(port, host)) ? 'another Signalbox' : 'another program'}.`,
    `End it, or choose another port: npm start -- --port ${port === 65_535 ? 7420 : port + 1}`,
  );
}

async function isSignalbox(port: number, host: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${host}:${port}/healthz`, { signal: AbortSignal.timeout(1_000) });
    return ((await response.json()) as { service?: unknown }).service === 'api-gateway';
  } catch {
    return false;
  }
}
