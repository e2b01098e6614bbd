import type { Command } from 'commander';
import type { ContentBlock } from '../../client/tools.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { collect, readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { safeJson } from '../text/clean.ts';

interface Options {
  args?: string[];
  input?: string[];
}

/** `signalbox call SERVER/TOOL`. */
export function addCall(program: Command, io: Io): void {
  const command = program
    .command('call')
    .argument('<server/tool>', 'the tool, as signalbox tools lists it')
    .description('call a tool of an MCP server')
    .option('--args <json>', 'arguments: a JSON object, @FILE, or - for standard input', collect)
    .option('--input <key=value>', 'one argument; may be given again', collect)
    .addHelpText('after', '\nExample: signalbox call filesystem/list_directory --input path=/tmp');
  action(command, io, async (context, options: Options, which: string) => {
    const { out, signal } = context;
    const [server, tool, more] = which.split('/');
    if (!server || !tool || more !== undefined) {
      throw new CliFailure(exitCode.usage, `${which} is no tool`, 'Name it as SERVER/TOOL; signalbox tools lists them.');
    }
    const args = await readInputs(context.io, [...(options.args ?? []), ...(options.input ?? [])]);
    const client = await context.client();
    const result = await client.tools.call(server, tool, args, { signal });
    out.json(result);
    if (!out.isJson) for (const block of result.content) out.document(show(block));
    if (result.isError) {
      throw new CliFailure(exitCode.failed, `the tool ${which} says that it failed`, `See what it takes: signalbox tools ${which}`);
    }
  });
}

function show(block: ContentBlock): string {
  if (block.type === 'text') return (block as { text: string }).text;
  if ('data' in block && typeof block.data === 'string') {
    return `[${block.type}, ${String(block.mimeType)}, ${Math.floor((block.data.length * 3) / 4)} bytes: --json has them]`;
  }
  return safeJson(block, 2);
}
