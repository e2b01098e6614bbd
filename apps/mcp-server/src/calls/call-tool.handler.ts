import type { Progress } from '@modelcontextprotocol/client';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { callTool, type CallToolReply, CallToolRequest } from '@signalbox/shared/contracts/mcp-server/call-tool.js';
import { toolProgressed } from '@signalbox/shared/contracts/mcp-server/events.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { currentCall } from '@signalbox/shared/telemetry/call-context.js';
import { toolMissing } from '../catalogue/tool-missing.ts';
import { callTimeoutDefaultMs } from '../manifests/manifest.ts';
import { isSessionLost } from '../upstreams/connect-problem.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { Upstreams } from '../upstreams/upstreams.ts';
import { callFault, checkArguments, replyOf, requireReadOnly, resultMaxBytes } from './call.ts';
import { LargeResults } from './large-result.ts';

/** Progress told per second and call; what comes faster is left out. */
const progressPerSecond = 50;
const messageMax = 2_000;

@Controller()
export class CallToolHandler {
  constructor(
    private readonly upstreams: Upstreams,
    private readonly large: LargeResults,
    private readonly bus: Bus,
  ) {}

  @Handles(callTool)
  async handle(@Payload() request: CallToolRequest, @FromCaller() caller: Caller, @FromCall() call: BusCall): Promise<CallToolReply> {
    const upstream = this.upstreams.find(caller.workspace, request.server);
    if (!upstream) throw toolMissing(request.server, request.tool);
    const allowed = upstream.facts.spec.callTimeoutMs ?? callTimeoutDefaultMs;
    const timeoutMs = Math.min(allowed, request.timeoutMs ?? allowed);
    const reply = await this.call(upstream, request, timeoutMs, call.signal, caller.workspace);
    const isLarge = Buffer.byteLength(JSON.stringify(reply)) > resultMaxBytes;
    return isLarge ? this.large.keep(request.server, request.tool, reply, caller) : reply;
  }

  private async call(
    upstream: Upstream,
    request: CallToolRequest,
    timeoutMs: number,
    signal: AbortSignal,
    workspace: string,
  ): Promise<CallToolReply> {
    const { server, tool: name, arguments: args = {}, progressId } = request;
    const end = performance.now() + timeoutMs;
    if (!upstream.tools.has(name)) await upstream.whenFirstKnown(signal, timeoutMs);
    const known = upstream.tools.get(name);
    if (!known) throw toolMissing(server, name);
    if (currentCall()?.isMirror === true) requireReadOnly(server, known);
    checkArguments(server, known, args);
    const onProgress = progressId === undefined ? undefined : this.progressTeller(progressId, workspace);
    for (let attempt = 0; ; attempt++) {
      const leftMs = Math.max(1, Math.ceil(end - performance.now()));
      try {
        const result = await upstream.use(signal, leftMs, (connection) =>
          connection.callTool(known.definition, args, metaOf(request.meta), {
            timeoutMs: Math.max(1, Math.ceil(end - performance.now())),
            signal,
            ...(onProgress && { onProgress }),
          }),
        );
        return replyOf(server, known, result);
      } catch (thrown) {
        if (signal.aborted) throw Fault.from(signal.reason);
        // A server that does not know the session has not seen the call: a new session is opened for it.
        if (attempt === 0 && isSessionLost(thrown)) continue;
        throw callFault(server, name, thrown, timeoutMs);
      }
    }
  }

  private progressTeller(progressId: string, workspace: string): (progress: Progress) => void {
    let second = 0;
    let told = 0;
    return ({ progress, total, message }) => {
      const now = Math.floor(performance.now() / 1_000);
      if (now !== second) [second, told] = [now, 0];
      if (++told > progressPerSecond) return;
      this.bus.publishLive(
        toolProgressed,
        {
          progressId,
          progress,
          ...(total !== undefined && { total }),
          ...(message !== undefined && { message: withoutSecrets(message).slice(0, messageMax) }),
        },
        { workspace, entity: progressId },
      );
    };
  }
}

/** What callers may say to a server beside the arguments: nothing that the protocol itself says there. */
function metaOf(given: Record<string, unknown> | undefined): Record<string, unknown> {
  const free = Object.entries(given ?? {}).filter(([key]) => key !== 'progressToken' && !key.startsWith('io.modelcontextprotocol/'));
  const { traceparent, isMirror } = currentCall() ?? {};
  const ours = { ...(traceparent !== undefined && { traceparent }), ...(isMirror === true && { 'dev.signalbox/mirror': true }) };
  return { ...ours, ...Object.fromEntries(free) };
}
