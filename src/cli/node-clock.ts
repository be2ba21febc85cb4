// Host.Clock and Host.Random of this machine.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { RonError } from '../errors.ts';
import type { Clock, Random } from '../host.ts';

/** Linux names a boot by a uuid. Elsewhere the second of the boot, from wall clock and uptime, has to do. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return `boot-${Math.round(Date.now() / 1000 - uptime())}`;
  }
}

export function nodeClock(): Clock {
  let bootId: string | undefined;
  return {
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    uptimeMs: () => Math.round(uptime() * 1000),
    bootId: () => (bootId ??= readBootId()),
    async sleep(ms, signal) {
      try {
        await wait(ms, undefined, signal === undefined ? {} : { signal });
      } catch (cause) {
        throw new RonError('Interrupted', 'interrupted while waiting', { cause });
      }
    },
  };
}

export function nodeRandom(): Random {
  return { bytes: (length) => new Uint8Array(randomBytes(length)) };
}
