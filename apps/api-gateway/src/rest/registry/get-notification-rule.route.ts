import { getNotificationRule } from '@signalbox/shared/contracts/registry/get-notification-rule.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetNotificationRuleRoute = getRoute('GetNotificationRule', 'notification-rules', getNotificationRule, {
  summary: 'One notification rule with its manifest',
});
