import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { channelsSentence } from '../../model/notifications.ts';
import { Page } from '../../parts/page.tsx';
import { Tabs, useTab } from '../../parts/tabs.tsx';
import { Channels } from './channels.tsx';
import { Messages } from './messages.tsx';
import { Rules } from './rules.tsx';

const tabs = [
  { id: 'messages', label: 'Messages' },
  { id: 'channels', label: 'Channels' },
  { id: 'rules', label: 'Rules' },
];

/** What people were told, by which rules, and whether it arrived. */
export default function NotificationsPage(): ReactNode {
  const tab = useTab(tabs);
  const channels = useQuery(queries.channels());
  return (
    <Page
      title="Notifications"
      sentence={channels.data && channelsSentence(channels.data)}
      tabs={<Tabs tabs={tabs} label="Messages, channels and rules" />}
    >
      {tab === 'channels' ? <Channels /> : tab === 'rules' ? <Rules /> : <Messages />}
    </Page>
  );
}
