import type { SignalboxClient } from '../../client/client.ts';
import type { RunDetail, RunEvent } from '../../client/runs.ts';
import type { Context } from '../context.ts';
import { dim } from '../text/styled.ts';
import { eventLine } from '../views/event-line.ts';
import { LiveScreen } from '../views/live-screen.ts';
import { runLines } from '../views/run-lines.ts';

/** The run is read again at most this often while events come: enough for eyes, little for the server. */
const redrawEveryMs = 150;
/** Lines of one step's progress in a log come at most this often. */
const progressEveryMs = 5_000;

/** Follows a run to its end: a tree redrawn in place on a terminal, a line an event otherwise. Gives the ended run. */
export async function followRun(context: Context, client: SignalboxClient, id: string): Promise<RunDetail> {
  return context.out.isLive ? followLive(context, client, id) : followLines(context, client, id);
}

async function followLines(context: Context, client: SignalboxClient, id: string): Promise<RunDetail> {
  const { out, signal, io } = context;
  const toldAt = new Map<string, number>();
  for await (const event of client.runs.follow(id, { signal, onConnection: telling(context) })) {
    out.jsonLine(event);
    if (!isNoise(event, toldAt, io.now())) out.lines(eventLine(event));
  }
  return client.runs.get(id, { signal });
}

async function followLive(context: Context, client: SignalboxClient, id: string): Promise<RunDetail> {
  const { out, signal, io } = context;
  const screen = new LiveScreen(out);
  const progress = new Map<string, string>();
  let run = await client.runs.get(id, { signal });
  let reading: Promise<unknown> | null = null;
  let isStale = true;
  let lost: string | null = null;
  const draw = (): void => {
    const lines = runLines(run, { now: io.now(), columns: out.columns, progress });
    screen.draw(lost === null ? lines : [...lines, dim(`no news: ${lost}; trying again`)]);
    if (isStale && reading === null) {
      isStale = false;
      reading = client.runs
        .get(id, { signal })
        .then((newer) => (run = newer))
        .catch(() => undefined)
        .finally(() => (reading = null));
    }
  };
  const redrawing = setInterval(draw, redrawEveryMs);
  try {
    draw();
    const onConnection = (because: Error | null): void => {
      lost = because?.message ?? null;
    };
    for await (const event of client.runs.follow(id, { signal, onConnection })) {
      noteProgress(event, progress);
      isStale = true;
    }
  } finally {
    clearInterval(redrawing);
  }
  run = await client.runs.get(id, { signal });
  screen.end(runLines(run, { now: io.now(), columns: out.columns, progress }));
  return run;
}

/** Into a file, a step's progress is told where it takes long: the lines that it begins and ends with say the rest. */
function isNoise({ type, step = '' }: RunEvent, toldAt: Map<string, number>, now: number): boolean {
  if (type !== 'step.progress') {
    toldAt.set(step, now);
    return false;
  }
  if (now - (toldAt.get(step) ?? now) < progressEveryMs) return true;
  toldAt.set(step, now);
  return false;
}

function noteProgress(event: RunEvent, progress: Map<string, string>): void {
  if (event.step === undefined) return;
  if (event.type === 'step.progress') progress.set(event.step, event.message ?? '');
  else if (event.type !== 'step.started') progress.delete(event.step);
}

/** Says when the connection is lost, once, and when it is back. */
export function telling(context: Context): (lost: Error | null) => void {
  let isLost = false;
  return (lost) => {
    if (lost && isLost) return;
    isLost = lost !== null;
    context.out.note(dim(lost ? `the connection is lost (${lost.message}); trying again` : 'the connection is back'));
  };
}
