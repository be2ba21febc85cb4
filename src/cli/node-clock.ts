// Host.Clock and Host.Random of this machine.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
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

/** The system call reads a file; between two of them the monotonic clock counts on. */
const UPTIME_SAMPLE_MS = 100;

export function nodeClock(): Clock {
  let bootId: string | undefined;
  let sampled = { atMs: Number.NEGATIVE_INFINITY, uptimeMs: 0 };
  return {
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    uptimeMs: () => {
      const atMs = performance.now();
      if (atMs - sampled.atMs >= UPTIME_SAMPLE_MS) sampled = { atMs, uptimeMs: uptime() * 1000 };
      return Math.round(sampled.uptimeMs + atMs - sampled.atMs);
    },
    bootId: () => (bootId ??= readBootId()),
    async sleep(ms, signal) {
      try {
        const options = signal === undefined ? {} : { signal };
        // A timer waits for a millisecond at least.
        await (ms === 0 ? turn(undefined, options) : wait(ms, undefined, options));
      } catch (cause) {
        throw new RonError('Interrupted', 'interrupted while waiting', { cause });
      }
    },
  };
}

/** Ids of 16 bytes are cut from blocks: one call for each costs more than what it is for. Given bytes are wiped here. */
const BLOCK_BYTES = 4096;
const ID_BYTES = 16;

export function nodeRandom(): Random {
  let block = new Uint8Array(0);
  let at = 0;
  return {
    bytes: (length) => {
      if (length !== ID_BYTES) return new Uint8Array(randomBytes(length));
      if (at + length > block.length) {
        block = new Uint8Array(randomBytes(BLOCK_BYTES));
        at = 0;
      }
      const out = block.slice(at, at + length);
      block.fill(0, at, at + length);
      at += length;
      return out;
    },
  };
}
