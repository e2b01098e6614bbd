import type { ReactNode } from 'react';
import { useLocation } from 'react-router';
import { ButtonLink } from '../../parts/button.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';

export default function NotFoundPage(): ReactNode {
  const { pathname } = useLocation();
  return (
    <Page title="No such page">
      <Panel flush>
        <Empty title="Nothing has this address." action={<ButtonLink to="/">Go to the board</ButtonLink>}>
          {pathname}
        </Empty>
      </Panel>
    </Page>
  );
}
