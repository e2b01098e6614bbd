import { loadConfig } from '@signalbox/shared/config/config.js';
import { runService } from '@signalbox/shared/service/run-service.js';
import { SecurityConfig } from './security.config.ts';

await runService(async () => {
  const { SecurityModule } = await import('./security.module.ts');
  return SecurityModule.forRoot(loadConfig(SecurityConfig));
}, 'security');
