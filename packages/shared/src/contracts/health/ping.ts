import { ping } from '../../bus/ping.ts';

/** The health contracts, one a service, where the catalogue finds them. */
export const {
  'api-gateway': pingGateway,
  registry: pingRegistry,
  'mcp-server': pingMcpServer,
  protocol: pingProtocol,
  context: pingContext,
  execution: pingExecution,
  security: pingSecurity,
} = ping;
