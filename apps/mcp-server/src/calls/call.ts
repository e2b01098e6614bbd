import { ProtocolError, SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import { messageMaxBytes } from '@signalbox/shared/bus/contract.js';
import type { CallToolReply } from '@signalbox/shared/contracts/mcp-server/call-tool.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import type { CataloguedTool } from '../catalogue/catalogue.ts';
import { tooLongCode } from '../upstreams/child-transport.ts';
import { isTimeout } from '../upstreams/connect-problem.ts';
import { compileSchema, type SchemaCheck, SchemaProblem } from './schema-check.ts';

/** What a result may have in one message: room is left for what goes around it. */
export const resultMaxBytes = messageMaxBytes - 16 * 1024;

/** Checks compiled from tools' schemas, kept as long as the definition that they came from. */
const compiled = new WeakMap<object, SchemaCheck | SchemaProblem>();

function checkOf(schema: Record<string, unknown>): SchemaCheck | SchemaProblem {
  let check = compiled.get(schema);
  if (check === undefined) {
    try {
      check = compileSchema(schema);
    } catch (thrown) {
      if (!(thrown instanceof SchemaProblem)) throw thrown;
      check = thrown;
    }
    compiled.set(schema, check);
  }
  return check;
}

/** `forbidden`, for a mirrored call, when the tool does not say by `readOnlyHint` (MCP 2025-11-25, tool annotations) that it changes nothing. */
export function requireReadOnly(server: string, { name, definition }: CataloguedTool): void {
  const { readOnlyHint } = (definition['annotations'] ?? {}) as { readOnlyHint?: unknown };
  if (readOnlyHint === true) return;
  throw new Fault(
    'forbidden',
    `a mirrored call changes nothing: ${server}/${name} does not say that it only reads`,
    'Where it does only read, have its server say `readOnlyHint: true`.',
  );
}

/** Throws `invalid`, with a pointer for each wrong place, when the arguments do not fit the tool's input schema. */
export function checkArguments(server: string, { name, definition }: CataloguedTool, args: Record<string, unknown>): void {
  const check = checkOf(definition.inputSchema);
  if (check instanceof SchemaProblem) {
    throw new Fault('unavailable', `the input schema of ${server}/${name} cannot be used: ${check.message}`, 'Tell who offers the tool.');
  }
  const errors = check(args).map(({ pointer, detail }) => ({ pointer: `/arguments${pointer}`, detail }));
  const [first] = errors;
  if (first) {
    throw new Fault(
      'invalid',
      `the arguments do not fit ${server}/${name}: ${first.pointer} ${first.detail}`,
      'Correct what `errors` names.',
      { errors },
    );
  }
}

/** The reply from what the server gave; a result that breaks the tool's own output schema, or the protocol, is the server's fault. */
export function replyOf(server: string, { name, definition }: CataloguedTool, result: Record<string, unknown>): CallToolReply {
  const { content = [], structuredContent, isError, _meta: meta } = result;
  if (!Array.isArray(content)) throw brokenResult(server, name, 'it has no list of content');
  const outputSchema = definition['outputSchema'];
  if (isError !== true && typeof outputSchema === 'object' && outputSchema !== null) {
    const check = checkOf(outputSchema as Record<string, unknown>);
    if (check instanceof SchemaProblem) throw brokenResult(server, name, `its output schema cannot be used: ${check.message}`);
    if (structuredContent === undefined) throw brokenResult(server, name, 'it has no structured content, which its output schema promises');
    const [first] = check(structuredContent);
    if (first) throw brokenResult(server, name, `${first.pointer || 'its structured content'} ${first.detail}`);
  }
  return {
    content: content as unknown[],
    ...(structuredContent !== undefined && { structuredContent }),
    isError: isError === true,
    ...(typeof meta === 'object' && meta !== null && { meta: meta as Record<string, unknown> }),
  };
}

function brokenResult(server: string, name: string, because: string): Fault {
  return new Fault('unavailable', `the result of ${server}/${name} cannot be used: ${because}`, 'Tell who offers the tool.', {
    service: `mcp-server ${server}`,
  });
}

/** What was thrown by a call as a fault of ours. What the server says is told, cut; it is not our word. */
export function callFault(server: string, tool: string, thrown: unknown, timeoutMs: number): Fault {
  if (thrown instanceof Fault) return thrown;
  const service = `mcp-server ${server}`;
  if (isTimeout(thrown)) {
    return new Fault(
      'timeout',
      `${server}/${tool} did not answer within ${timeoutMs} ms`,
      'Allow more time (`callTimeoutMs` of the server), or ask for less.',
      {
        service,
        cause: thrown,
      },
    );
  }
  if (ProtocolError.isInstance(thrown)) return protocolFault(server, tool, thrown);
  const isGone = SdkError.isInstance(thrown) && [SdkErrorCode.ConnectionClosed, SdkErrorCode.NotConnected].includes(thrown.code);
  return new Fault(
    'unavailable',
    isGone
      ? `the MCP server ${server} broke off while ${tool} was being called`
      : `the MCP server ${server} could not be asked: ${cut((thrown as Error).message)}`,
    'The call may have had an effect: look before you repeat it.',
    { service, cause: thrown, retryAfterMs: 1_000 },
  );
}

const invalidParams = -32_602;
const methodNotFound = -32_601;

function protocolFault(server: string, tool: string, thrown: ProtocolError): Fault {
  const text = cut(thrown.message);
  if (thrown.code === (tooLongCode as number)) return tooLarge(server, tool, text);
  const detail = `${server} refused ${tool}: ${text} (JSON-RPC ${thrown.code})`;
  if (thrown.code === (invalidParams as number)) return new Fault('invalid', detail, 'Correct the arguments.', { cause: thrown });
  if (thrown.code === (methodNotFound as number))
    return new Fault('not_found', detail, 'GET /api/v1/tools lists what there is.', { cause: thrown });
  return new Fault('unavailable', detail, 'Look at what the server wrote to its standard error.', {
    service: `mcp-server ${server}`,
    cause: thrown,
  });
}

export function tooLarge(server: string, tool: string, because: string): Fault {
  return new Fault('limited', `the result of ${server}/${tool} is too large: ${because}`, 'Ask the tool for less at once.');
}

function cut(said: string): string {
  const text = withoutSecrets(said);
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
