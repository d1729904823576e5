/** Asks once, wants a reason, then stops every breaker command. */
import type { RefObject } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { ApiProblem, call } from '../../api/client.ts';
import type { KillSwitch } from '../../api/types.ts';
import { Problem } from '../../parts/problem.tsx';
import { useText } from '../../text/text.ts';

const REASON_CHARS_MAX = 500;

interface Props {
  readonly dialog: RefObject<HTMLDialogElement | null>;
  readonly onStopped: () => void;
}

export function StopDialog({ dialog, onStopped }: Props) {
  const { text } = useText();
  const [reason, setReason] = useState('');
  const [missing, setMissing] = useState(false);
  const [problem, setProblem] = useState<ApiProblem>();
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const stop = async (event: Event) => {
    event.preventDefault();
    if (reason.trim() === '') {
      setMissing(true);
      return field.current?.focus();
    }
    setBusy(true);
    setProblem(undefined);
    try {
      const body = { on: true, reason: reason.trim() };
      await call<KillSwitch>('/v1/breaker/kill', { method: 'POST', body });
      setReason('');
      dialog.current?.close();
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, 'NETWORK', `${error}`));
    }
    setBusy(false);
    onStopped();
  };
  return (
    <dialog ref={dialog} aria-labelledby="stop-title">
      <form onSubmit={stop} noValidate>
        <h2 id="stop-title">{text.kill.confirmTitle}</h2>
        <p>{text.kill.confirmText}</p>
        {problem !== undefined && <Problem what={text.kill.title} problem={problem} />}
        <label for="stop-reason">{text.kill.reason}</label>
        <p class="note" id="stop-hint">
          {text.kill.reasonHint}
        </p>
        <textarea
          id="stop-reason"
          ref={field}
          rows={3}
          maxLength={REASON_CHARS_MAX}
          value={reason}
          aria-describedby="stop-hint stop-error"
          aria-invalid={missing}
          onInput={(e) => {
            setReason(e.currentTarget.value);
            setMissing(false);
          }}
        />
        <p class="field-error" id="stop-error" role="alert">
          {missing ? text.kill.reasonMissing : ''}
        </p>
        <div class="dialog-buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            {text.kill.cancel}
          </button>
          <button type="submit" class="danger" disabled={busy}>
            {text.kill.confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}
