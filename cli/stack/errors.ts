/** Why the local stack could not do what was asked; `message` always ends with what to do next. */
export class StackError extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.name = 'StackError';
    this.reason = reason;
  }
}

export function stackFault(reason: string, message: string): StackError {
  return new StackError(reason, message);
}
