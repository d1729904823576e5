/** Which page is shown: sign-in without a key, else the page of the route. */

import { useContext, useEffect } from 'preact/hooks';
import { apiKey } from './api/session.ts';
import type { Session } from './api/types.ts';
import { useData } from './api/use-data.ts';
import { areasOf } from './areas.ts';
import { lazyPage } from './lazy-page.tsx';
import { OverviewPage } from './pages/overview/overview-page.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { Page } from './parts/page.tsx';
import { Problem } from './parts/problem.tsx';
import { href, type Route, route } from './router.ts';
import { SessionContext } from './session-context.ts';
import { Shell } from './shell.tsx';
import { useStore } from './store.ts';
import { language, useText } from './text/text.ts';

const MetersPage = lazyPage(async () => (await import('./pages/meters-page.tsx')).MetersPage);
const MeterPage = lazyPage(async () => (await import('./pages/meter/meter-page.tsx')).MeterPage);
const BillsPage = lazyPage(async () => (await import('./pages/bills-page.tsx')).BillsPage);
const InvoicePage = lazyPage(
  async () => (await import('./pages/invoice/invoice-page.tsx')).InvoicePage,
);
const CommandsPage = lazyPage(
  async () => (await import('./pages/commands/commands-page.tsx')).CommandsPage,
);
const CommandPage = lazyPage(
  async () => (await import('./pages/commands/command-page.tsx')).CommandPage,
);
const CollectionsPage = lazyPage(
  async () => (await import('./pages/collections/collections-page.tsx')).CollectionsPage,
);
const AccountPage = lazyPage(
  async () => (await import('./pages/collections/account-page.tsx')).AccountPage,
);

export function App() {
  document.documentElement.lang = useStore(language);
  return useStore(apiKey) === null ? <SignIn /> : <SignedIn />;
}

function SignedIn() {
  const { text } = useText();
  const { data, problem, reload } = useData<Session>('/v1/session');
  if (data !== undefined) {
    return (
      <SessionContext.Provider value={data}>
        <Shell>
          <CurrentPage />
        </Shell>
      </SessionContext.Provider>
    );
  }
  return (
    <main class="sign-in" id="main">
      {problem === undefined ? (
        <p role="status">{text.state.loading}</p>
      ) : (
        <Problem what={text.app.name} problem={problem} retry={reload} />
      )}
    </main>
  );
}

function CurrentPage() {
  const shown = useStore(route);
  const areas = areasOf(useContext(SessionContext).scopes);
  const home = areas[0] ?? 'overview';
  const elsewhere = shown.path.length === 0 && home !== 'overview';
  useEffect(() => {
    if (elsewhere) location.replace(href([home]));
  }, [elsewhere, home]);
  if (elsewhere) return null;
  return pageOf(shown) ?? <NotFound />;
}

function pageOf({ path, query }: Route) {
  const [area, id, ...rest] = path;
  if (rest.length > 0) return undefined;
  if (area === undefined) return <OverviewPage />;
  if (area === 'meters') {
    return id === undefined ? (
      <MetersPage query={query} />
    ) : (
      <MeterPage key={id} id={id} query={query} />
    );
  }
  if (area === 'bills') {
    return id === undefined ? (
      <BillsPage query={query} />
    ) : (
      <InvoicePage key={id} id={id} query={query} />
    );
  }
  if (area === 'commands') {
    return id === undefined ? <CommandsPage query={query} /> : <CommandPage key={id} id={id} />;
  }
  if (area === 'collections') {
    if (id === undefined) return <CollectionsPage query={query} />;
    return <AccountPage key={id} id={id} />;
  }
  return undefined;
}

function NotFound() {
  const { text } = useText();
  return (
    <Page title={text.app.notFound}>
      <p>
        <a href={href([])}>{text.app.toOverview}</a>
      </p>
    </Page>
  );
}
