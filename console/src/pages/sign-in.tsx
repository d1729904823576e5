/** Sign-in: an API key, tried before it is kept. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiProblem, call } from '../api/client.ts';
import { signedOutBecause, signIn } from '../api/session.ts';
import type { Session } from '../api/types.ts';
import { useStore } from '../store.ts';
import { useText } from '../text/text.ts';

type Trouble = 'empty' | 'refused' | 'network';

export function SignIn() {
  const { text } = useText();
  const [key, setKey] = useState('');
  const [trouble, setTrouble] = useState<Trouble>();
  const [busy, setBusy] = useState(false);
  const ended = useStore(signedOutBecause) === 'refused' && trouble === undefined;
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = `${text.signIn.title} · Meterline`;
    input.current?.focus();
  }, [text]);
  const submit = async (event: Event) => {
    event.preventDefault();
    const given = key.trim();
    if (given === '') return setTrouble('empty');
    setBusy(true);
    const found = await tryKey(given);
    setBusy(false);
    setTrouble(found);
    if (found !== undefined) input.current?.focus();
  };
  const told = trouble === undefined ? '' : messages(text)[trouble];
  return (
    <main class="sign-in" id="main">
      <form onSubmit={submit} noValidate>
        <p class="brand">{text.app.name}</p>
        <h1>{text.signIn.title}</h1>
        <p>{text.signIn.lead}</p>
        {ended && (
          <p class="field-error" role="alert">
            {text.signIn.ended}
          </p>
        )}
        <label for="key">{text.signIn.key}</label>
        <p class="note" id="key-hint">
          {text.signIn.hint}
        </p>
        <input
          id="key"
          ref={input}
          type="password"
          autoComplete="off"
          spellcheck={false}
          value={key}
          aria-describedby="key-hint key-error"
          aria-invalid={told !== ''}
          onInput={(e) => setKey(e.currentTarget.value)}
        />
        <p class="field-error" id="key-error" role="alert">
          {told}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? text.signIn.checking : text.signIn.submit}
        </button>
      </form>
    </main>
  );
}

/** Characters that cannot stand in a header are no key; asking would only throw. */
const KEY = /^[\x21-\x7e]{1,200}$/;

async function tryKey(key: string): Promise<Trouble | undefined> {
  if (!KEY.test(key)) return 'refused';
  try {
    await call<Session>('/v1/session', { key });
    signIn(key);
    return undefined;
  } catch (error) {
    return error instanceof ApiProblem && error.status === 401 ? 'refused' : 'network';
  }
}

function messages(text: ReturnType<typeof useText>['text']): Record<Trouble, string> {
  return {
    empty: text.signIn.empty,
    refused: text.signIn.refused,
    network: text.state.network,
  };
}
