// Times in tables (cli rule 11): UTC with seconds, and the distance.

import { spell } from '../../bytes/time.ts';

export const utc = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;

/** `2026-03-01 12:00:00 UTC (in 23 h 41 min)`; `secondsLeft` 0 = over. */
export function deadline(time: string, secondsLeft: number): string {
  return `${utc(time)} (${secondsLeft <= 0 ? 'over' : `in ${spell(secondsLeft * 1000)}`})`;
}
