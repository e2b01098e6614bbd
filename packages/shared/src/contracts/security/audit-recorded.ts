import { auditEvents } from '../../outbox/audit.ts';

/** The audit events, one a service, where the catalogue finds them. */
export const {
  'api-gateway': gatewayAudit,
  registry: registryAudit,
  'mcp-server': mcpServerAudit,
  protocol: protocolAudit,
  context: contextAudit,
  execution: executionAudit,
  security: securityAudit,
} = auditEvents;
