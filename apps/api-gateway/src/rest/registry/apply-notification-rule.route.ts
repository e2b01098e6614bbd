import { applyNotificationRule } from '@signalbox/shared/contracts/registry/apply-notification-rule.js';
import { applyRoute } from '../../platform/manifest-routes.ts';

export const ApplyNotificationRuleRoute = applyRoute('ApplyNotificationRule', 'notification-rules', applyNotificationRule, {
  summary: 'Create a notification rule or replace its manifest',
  description: '`If-Match: "0"`: only if it does not exist yet.',
});
