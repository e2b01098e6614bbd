import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/jetbrains-mono/index.css';
import './style/tokens.css';
import './style/base.css';
import { ApiError } from '@signalbox/sdk/client/api-error.js';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { whenSignedOut } from './api/client.ts';
import { App } from './app.tsx';
import { NoticesProvider } from './parts/notices.tsx';

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // News arrive by the event stream; what is on the screen is never older than the last event.
      staleTime: 10_000,
      // A refusal does not heal by asking again; a service that is away does.
      retry: (failures, error) => !(error instanceof ApiError && error.status < 500) && failures < 2,
    },
  },
});
whenSignedOut(() => {
  if (queryClient.getQueryData(['whoami'])) void queryClient.resetQueries({ queryKey: ['whoami'] });
});

const root = document.getElementById('root');
if (!root) throw new Error('the page has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <BrowserRouter>
        <NoticesProvider>
          <App />
        </NoticesProvider>
      </BrowserRouter>
    </QueryClientProvider>
  </StrictMode>,
);
