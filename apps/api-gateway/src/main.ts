import 'reflect-metadata';
import { loadConfig } from '@signalbox/shared/config/config.js';
import { failStart, manage } from '@signalbox/shared/service/manage.js';
import { ServiceLifecycle } from '@signalbox/shared/service/service-lifecycle.js';
import { GatewayConfig } from './gateway.config.ts';
import { startGateway } from './start-gateway.ts';

try {
  const config = loadConfig(GatewayConfig);
  const { app, stop } = await startGateway(config);
  const lifecycle = app.get(ServiceLifecycle);
  await manage({ service: 'api-gateway', config, checks: lifecycle.checks(), metrics: () => lifecycle.metrics(), stop });
} catch (err) {
  failStart(err);
}
