import { runService } from '@signalbox/shared/service/run-service.js';

await runService(async () => (await import('./mcp-server.module.ts')).McpServerModule, 'mcp-server');
