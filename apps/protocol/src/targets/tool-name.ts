import { createHash } from 'node:crypto';

/** `files/read_text_file` as its server and the tool's own name. */
export function splitTool(tool: string): { server: string; name: string } {
  const at = tool.indexOf('/');
  return { server: tool.slice(0, at), name: tool.slice(at + 1) };
}

/** Names of functions in the OpenAI API: at most 64 of these characters. */
const functionNameMax = 64;

/** A tool's name for models: `files__read_text_file`. Where that does not fit, its end is a hash, so that two tools never share one. */
export function functionNameOf(server: string, tool: string): string {
  const plain = `${server}__${tool}`;
  const name = plain.replace(/[^\w-]/g, '_');
  if (name === plain && name.length <= functionNameMax) return name;
  const hash = createHash('sha256').update(`${server}/${tool}`).digest('hex').slice(0, 8);
  return `${name.slice(0, functionNameMax - hash.length - 1)}_${hash}`;
}

/** An agent's name for models, by one of its skills: `agent_reader__read`. No server is called so: their names have no underscore. */
export function functionNameOfAgent(agent: string, skill: string | undefined): string {
  return functionNameOf(`agent_${agent}`, skill ?? 'ask');
}
