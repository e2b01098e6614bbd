import { runService } from '@signalbox/shared/service/run-service.js';

await runService(async () => (await import('./context.module.ts')).ContextModule, 'context');
