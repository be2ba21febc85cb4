// Progress on stderr (cli rule 13): nothing for the first second, then one line rewritten in place on a terminal, else a
// plain line every 10 s.

import { escapeText } from '../bytes/text.ts';
import type { Clock, OnProgress, ProgressEvent, Terminal } from '../host.ts';

const FIRST_MS = 1000;
const REDRAW_MS = 100;
const PLAIN_MS = 10_000;

const spellEvent = ({ phase, done, total, unit }: ProgressEvent): string => {
  const share = total === undefined || total === 0 ? '' : ` (${Math.floor((done * 100) / total)} %)`;
  return escapeText(`${phase}: ${done}${total === undefined ? '' : ` of ${total}`} ${unit}${share}`);
};

export interface ProgressLine {
  readonly report: OnProgress;
  /** Clears the line, so that the result starts on an empty one. */
  finish(): void;
}

export function progressLine(
  terminal: Pick<Terminal, 'stderrIsTty' | 'writeStderr'>,
  clock: Pick<Clock, 'monotonicMs'>,
): ProgressLine {
  const start = clock.monotonicMs();
  let next = start + (terminal.stderrIsTty ? FIRST_MS : PLAIN_MS);
  let drawn = false;
  return {
    report(event) {
      const now = clock.monotonicMs();
      if (now < next) return;
      next = now + (terminal.stderrIsTty ? REDRAW_MS : PLAIN_MS);
      drawn = true;
      terminal.writeStderr(terminal.stderrIsTty ? `\r\u001b[K${spellEvent(event)}` : `${spellEvent(event)}\n`);
    },
    finish() {
      if (drawn && terminal.stderrIsTty) terminal.writeStderr('\r\u001b[K');
    },
  };
}
