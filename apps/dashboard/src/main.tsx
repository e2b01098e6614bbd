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

/** A page that cannot be loaded so soon after it was reloaded is missing for another reason. */
const reloadAgainMs = 30_000;

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

// A tab that was open before an upgrade asks for files that are not there any more; the page as it is now names its own.
window.addEventListener('vite:preloadError', (event) => {
  const key = 'signalbox:reloaded-at';
  if (Date.now() - Number(sessionStorage.getItem(key)) < reloadAgainMs) return; // it was no upgrade
  sessionStorage.setItem(key, String(Date.now()));
  event.preventDefault();
  window.location.reload();
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
