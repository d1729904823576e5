import { type Fault, LIMITS } from '../../domain/index.ts';
import type { Problem } from './format.ts';

/** Collects what is wrong with a file: all of it counted, the first thousand kept. */
export class ProblemList {
  readonly kept: Problem[] = [];
  total = 0;
  fatal = false;

  add(line: number, field: string | undefined, detail: string, fatal: boolean): void {
    this.total += 1;
    this.fatal ||= fatal;
    if (this.total <= LIMITS.importProblemsMax) {
      const base = { kind: 'problem', line, detail, fatal } as const;
      this.kept.push(field === undefined ? base : { ...base, field });
    }
  }

  /** What stopped the reading of the bytes; `read` lines came before it. */
  addFault(fault: Fault, read: number): void {
    const { line, detail } = fault.detail;
    this.add(typeof line === 'number' ? line : read + 1, undefined, String(detail), true);
  }

  /** The kept ones and, when there were more, one that says so. */
  listed(): Problem[] {
    const more = this.total - this.kept.length;
    if (more <= 0) return [...this.kept];
    const last = this.kept[this.kept.length - 1];
    const detail = `${more} more problems are not listed`;
    return [...this.kept, { kind: 'problem', line: last?.line ?? 1, detail, fatal: this.fatal }];
  }
}
