import { runService } from '@signalbox/shared/service/run-service.js';

await runService(async () => (await import('./protocol.module.ts')).ProtocolModule, 'protocol');
