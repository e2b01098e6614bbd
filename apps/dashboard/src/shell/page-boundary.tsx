import { Component, type ReactNode } from 'react';
import { Button } from '../parts/button.tsx';
import { Empty } from '../parts/notes.tsx';
import { Page } from '../parts/page.tsx';
import { Panel } from '../parts/panel.tsx';

/** Holds a page that breaks, or whose code does not arrive, apart from the frame: the rest stays usable. Another address clears it. */
export class PageBoundary extends Component<{ address: string; children: ReactNode }, { error: Error | null; at: string }> {
  override state = { error: null, at: this.props.address };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  static getDerivedStateFromProps({ address }: { address: string }, { at }: { at: string }): { error: null; at: string } | null {
    return address === at ? null : { error: null, at: address };
  }

  override render(): ReactNode {
    const { error } = this.state as { error: Error | null };
    if (!error) return this.props.children;
    return (
      <Page title="This page broke">
        <Panel flush>
          <Empty
            title="It could not be shown."
            action={
              <Button kind="primary" onPress={() => location.reload()}>
                Load it again
              </Button>
            }
          >
            Perhaps a newer Signalbox was installed since you opened it. If loading it again does not help, tell who runs this installation:{' '}
            {error.message}
          </Empty>
        </Panel>
      </Page>
    );
  }
}
