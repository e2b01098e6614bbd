import { exitCode } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

/** Takes `AGENT` or `AGENT@VERSION` apart. */
export function agentVersion(text: string): { agent: string; version?: number } {
  const [, agent, version] = /^([a-z0-9-]{1,63})(?:@([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (agent === undefined) throw new CliFailure(exitCode.usage, `${text} names no agent`, 'Say AGENT or AGENT@VERSION, as analyst@3.');
  return { agent, ...(version !== undefined && { version: Number(version) }) };
}

/** The same where a version must be said: what is decided is decided of one. */
export function exactVersion(text: string): { agent: string; version: number } {
  const { agent, version } = agentVersion(text);
  if (version === undefined)
    throw new CliFailure(
      exitCode.usage,
      `${text} names no version`,
      `Say ${agent}@VERSION; signalbox agents ${agent} shows the current one.`,
    );
  return { agent, version };
}
