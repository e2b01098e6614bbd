/** The shapes of lamps. Each state has its shape, colour and word, so that none rests on colour alone. */
export type LampShape = 'tick' | 'moving' | 'play' | 'bars' | 'lines' | 'triangle' | 'cross' | 'broken';
export type LampTone = 'clear' | 'move' | 'caution' | 'stop' | 'dark';

export interface Lamp {
  shape: LampShape;
  tone: LampTone;
  word: string;
}

const shapes = {
  clear: ['tick', 'clear'],
  move: ['moving', 'move'],
  ready: ['play', 'clear'],
  wait: ['bars', 'caution'],
  quiet: ['lines', 'dark'],
  degraded: ['triangle', 'caution'],
  failed: ['cross', 'stop'],
  isolated: ['broken', 'stop'],
} as const satisfies Record<string, readonly [LampShape, LampTone]>;

const byStatus: Record<string, keyof typeof shapes> = {
  done: 'clear',
  healthy: 'clear',
  succeeded: 'clear',
  up: 'clear',
  completed: 'clear',
  closed: 'clear',
  promoted: 'clear',
  active: 'move',
  running: 'move',
  starting: 'move',
  started: 'move',
  begun: 'move',
  progressing: 'move',
  ready: 'ready',
  waiting: 'wait',
  queued: 'wait',
  retrying: 'wait',
  paused: 'wait',
  pending: 'quiet',
  parallel: 'quiet',
  idle: 'quiet',
  unknown: 'quiet',
  skipped: 'quiet',
  cancelled: 'quiet',
  stopped: 'quiet',
  revoked: 'quiet',
  expired: 'quiet',
  degraded: 'degraded',
  'half-open': 'degraded',
  failed: 'failed',
  down: 'failed',
  lost: 'failed',
  vanished: 'failed',
  'rolled-back': 'failed',
  isolated: 'isolated',
  open: 'isolated',
};

/** The lamp of a status that is a state of work or of health. A status that we do not know is shown as itself, unlit. */
export function lampOf(status: string): Lamp {
  const [shape, tone] = shapes[byStatus[status] ?? 'quiet'];
  return { shape, tone, word: capitalised(status) };
}

/** An MCP server that is `ready` serves already: that is healthy, not "can be started". */
export function serverLampOf(status: string): Lamp {
  return status === 'ready' ? { ...lampOf('healthy'), word: 'Ready' } : lampOf(status);
}

/** The worst of several lamps: what a summary of many shows. `null` for none. */
export function worstLamp(lamps: readonly Lamp[]): Lamp | null {
  let worst: Lamp | null = null;
  for (const lamp of lamps) if (!worst || severity[lamp.shape] > severity[worst.shape]) worst = lamp;
  return worst;
}

const severity: Record<LampShape, number> = { tick: 0, play: 1, lines: 2, moving: 3, bars: 4, triangle: 5, cross: 6, broken: 7 };

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).replaceAll(/[-_]/g, ' ');
}
