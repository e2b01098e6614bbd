import { loadConfig } from '@signalbox/shared/config/config.js';
import { runService } from '@signalbox/shared/service/run-service.js';
import { RegistryConfig } from './registry.config.ts';

await runService(async () => {
  const { RegistryModule } = await import('./registry.module.ts');
  return RegistryModule.forRoot(loadConfig(RegistryConfig));
}, 'registry');
