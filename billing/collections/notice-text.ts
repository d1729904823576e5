/** What a notice says, in the customer's language, and the proof that it was served. */
import { formatInstant, hashOf } from '../../domain/index.ts';

export interface NoticeContent {
  readonly kind: 'notice' | 'final_notice';
  readonly customer: string;
  readonly account: string;
  readonly amount: string;
  readonly currency: string;
  readonly items: readonly { invoice: string; dueDate: string; open: string }[];
  /** Open invoices that are not listed. */
  readonly more: number;
  readonly cutNotBefore: string | null;
}

interface Words {
  readonly subject: Readonly<Record<NoticeContent['kind'], string>>;
  readonly dear: string;
  readonly owed: string;
  readonly item: string;
  readonly more: string;
  readonly cut: string;
  readonly end: Readonly<Record<NoticeContent['kind'], string>>;
}

const WORDS: Readonly<Record<'en' | 'es', Words>> = {
  en: {
    subject: { notice: 'Payment reminder', final_notice: 'FINAL NOTICE before disconnection' },
    dear: 'Dear {customer},',
    owed: 'account {account} has {amount} {currency} overdue:',
    item: '- invoice {invoice}, due {dueDate}: {open} {currency}',
    more: '- and {more} more invoices',
    cut: 'Unless it is paid, the supply may be disconnected from {cutNotBefore} on.',
    end: {
      notice: 'If you have paid in the meantime, thank you; nothing else is needed.',
      final_notice:
        'If you cannot pay, dispute the amount, or somebody in the home depends on the supply ' +
        'for health, tell us at once: the disconnection will be stopped.',
    },
  },
  es: {
    subject: { notice: 'Recordatorio de pago', final_notice: 'AVISO FINAL antes de la suspensión' },
    dear: 'Estimado/a {customer}:',
    owed: 'la cuenta {account} tiene {amount} {currency} vencidos:',
    item: '- factura {invoice}, vencida el {dueDate}: {open} {currency}',
    more: '- y {more} facturas más',
    cut: 'Si no se paga, el suministro podrá ser suspendido a partir del {cutNotBefore}.',
    end: {
      notice: 'Si ya pagó, gracias; no tiene que hacer nada más.',
      final_notice:
        'Si no puede pagar, no está de acuerdo con el valor, o alguien en el hogar depende del ' +
        'suministro por su salud, avísenos de inmediato: la suspensión se detendrá.',
    },
  },
};

export function noticeLanguage(language: string): 'en' | 'es' {
  return /^es\b/i.test(language) ? 'es' : 'en';
}

export function noticeText(content: NoticeContent, language: 'en' | 'es'): string {
  const words = WORDS[language];
  const { items, more, cutNotBefore, ...plain } = content;
  const lines = [
    words.subject[content.kind],
    '',
    fill(words.dear, plain),
    fill(words.owed, plain),
    ...items.map((item) => fill(words.item, { ...item, currency: content.currency })),
    ...(more > 0 ? [fill(words.more, { more: String(more) })] : []),
    ...(cutNotBefore === null ? [] : [fill(words.cut, { cutNotBefore })]),
    words.end[content.kind],
  ];
  return `${lines.join('\n')}\n`;
}

/** Each gap once, so that a name with braces in it stays what it is. */
function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (gap, name: string) => values[name] ?? gap);
}

export interface ProvenNotice {
  readonly id: string;
  readonly accountId: number;
  readonly kind: string;
  readonly channel: string;
  readonly language: string;
  readonly body: string;
  readonly servedAtMs: number;
}

/** SHA-256 over what was served to whom and when: it shows any later change of the row. */
export function proofOf(notice: ProvenNotice): string {
  const { id, accountId, kind, channel, language, body, servedAtMs } = notice;
  const servedAt = formatInstant(servedAtMs);
  return hashOf({ id, accountId, kind, channel, language, body, servedAt });
}
