import { runService } from '@signalbox/shared/service/run-service.js';

await runService(async () => (await import('./execution.module.ts')).ExecutionModule, 'execution');
