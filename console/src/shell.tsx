/** The frame of every page: areas, breakers' state, language, theme, who is signed in. */
import type { ComponentChildren } from 'preact';
import { useContext } from 'preact/hooks';
import { signOut } from './api/session.ts';
import type { Breaker } from './api/types.ts';
import { useData } from './api/use-data.ts';
import { areasOf } from './areas.ts';
import { BREAKER_EVERY_MS, BreakerContext } from './breaker-context.ts';
import { Badge } from './parts/badge.tsx';
import { href, route } from './router.ts';
import { SessionContext, useScope } from './session-context.ts';
import { useStore } from './store.ts';
import { chooseLanguage, LANGUAGES, type Language, language, useText } from './text/text.ts';
import { chooseTheme, THEMES, type Theme, theme } from './theme.ts';

export function Shell({ children }: { readonly children: ComponentChildren }) {
  const { text } = useText();
  const may = useScope('commands:read');
  const breaker = useData<Breaker>(may ? '/v1/breaker' : undefined, {
    refreshMs: BREAKER_EVERY_MS,
  });
  return (
    <BreakerContext.Provider value={breaker}>
      <div class="shell">
        {/* biome-ignore lint/a11y/useValidAnchor: a way to the content, as pages have it; the hash is taken */}
        <a
          class="skip"
          href="#main"
          onClick={(event) => {
            // The hash is the route: jump without changing it.
            event.preventDefault();
            document.querySelector<HTMLElement>('#main')?.focus();
          }}
        >
          {text.app.skip}
        </a>
        <header class="topbar">
          <a class="brand" href={href([])}>
            {text.app.name}
          </a>
          <BreakerState />
          <Choices />
        </header>
        <Areas />
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
    </BreakerContext.Provider>
  );
}

function Areas() {
  const { text } = useText();
  const { path } = useStore(route);
  const { scopes } = useContext(SessionContext);
  return (
    <nav class="rail" aria-label={text.app.areas}>
      <ul>
        {areasOf(scopes).map((area) => (
          <li key={area}>
            <a
              href={href(area === 'overview' ? [] : [area])}
              {...((path[0] ?? 'overview') === area && { 'aria-current': 'page' as const })}
            >
              {text.nav[area]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** On every page: a stop must not be overlooked. */
function BreakerState() {
  const { text } = useText();
  const { data } = useContext(BreakerContext);
  if (data === undefined) return <span class="breaker-state" />;
  const { on } = data.killSwitch;
  return (
    <a class="breaker-state" href={href(['commands'])}>
      <Badge look={on ? 'danger' : 'ok'}>{on ? text.kill.stopped : text.kill.running}</Badge>
    </a>
  );
}

function Choices() {
  const { text } = useText();
  const code = useStore(language);
  const chosen = useStore(theme);
  const { name } = useContext(SessionContext);
  return (
    <div class="choices">
      <label>
        <span class="visually-hidden">{text.app.language}</span>
        <select value={code} onChange={(e) => chooseLanguage(e.currentTarget.value as Language)}>
          {Object.keys(LANGUAGES).map((name) => (
            <option key={name} value={name}>
              {name.toUpperCase()}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="visually-hidden">{text.app.theme}</span>
        <select value={chosen} onChange={(e) => chooseTheme(e.currentTarget.value as Theme)}>
          {THEMES.map((option) => (
            <option key={option} value={option}>
              {text.app.themes[option]}
            </option>
          ))}
        </select>
      </label>
      <span class="who">{text.app.signedInAs(name)}</span>
      <button type="button" onClick={() => signOut()}>
        {text.app.signOut}
      </button>
    </div>
  );
}
