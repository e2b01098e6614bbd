import { createHash } from 'node:crypto';

/** Clients refuse longer names (Claude, OpenAI). */
const nameMax = 64;
const hashLength = 8;

/** Between a server and its tool: no server's name holds it. */
const separator = '__';

/**
 * The name of a tool among those of all servers: `files__read_file`. What clients do not take is replaced, and what is too long is cut; then
 * a hash keeps it apart from others.
 */
export function offeredName(server: string, tool: string): string {
  const plain = tool.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  const name = `${server}${separator}${plain}`;
  if (plain === tool && name.length <= nameMax) return name;
  const hash = createHash('sha256').update(`${server}/${tool}`).digest('hex').slice(0, hashLength);
  return `${name.slice(0, nameMax - hashLength - 1)}_${hash}`;
}
