// An audit log on real files for tests: fixed keys, a clock that moves by a millisecond per look, and records as the
// custody store writes them (init first, `state` and `manifest` before each checkpoint).

import type { LogSigningKeys } from '../../src/audit/checkpoint.ts';
import type { AuditDraft } from '../../src/audit/draft.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { sha256, sha256Hex } from '../../src/crypto/hash.ts';
import type { Clock, Files, Random } from '../../src/host.ts';
import {
  type AuditAppender,
  createAuditLog,
  type OpenAuditLog,
  openAuditLog,
} from '../../src/storage/audit-appender.ts';
import type { AuditDeps } from '../../src/storage/audit-signer.ts';
import { testCrypto } from './crypto.ts';

export const STORE_ID = '0123456789abcdef0123456789abcdef';
export const BASE = 'ronctl.invalid';
export const HEAD_KEY = sha256(utf8('head key of the tests'));
export const KID = 'acme/release/ed25519/00000000-0000-4000-8000-000000000001#v1';

const seed = (name: string): Uint8Array => sha256(utf8(`audit test ${name}`));

export async function logKeys(name = 'log'): Promise<LogSigningKeys> {
  const crypto = testCrypto();
  return {
    ed25519: await crypto.signature('ed25519').importSecret(seed(`${name} ed25519`)),
    mlDsa44: await crypto.signature('ml-dsa-44').importSecret(seed(`${name} ml-dsa-44`)),
  };
}

export interface TestClock extends Clock {
  wall: number;
  boot: string;
}

/** Starts at 2026-11-20T07:00:00.000Z and `laterMs`; every look at it is a millisecond later. */
export function testClock(laterMs = 0): TestClock {
  const start = Date.parse('2026-11-20T07:00:00.000Z');
  return {
    wall: start + laterMs,
    boot: 'boot of the tests',
    now() {
      this.wall += 1;
      return this.wall;
    },
    monotonicMs() {
      return this.wall - start;
    },
    uptimeMs() {
      return this.wall - start + 5000;
    },
    bootId() {
      return this.boot;
    },
    sleep: () => Promise.resolve(),
  };
}

/** Different at each call and the same in each run. */
export function countingRandom(label = 'random'): Random {
  let calls = 0;
  return {
    bytes(length) {
      calls += 1;
      const out = new Uint8Array(length);
      for (let at = 0, block = 0; at < length; at += 32, block++) {
        out.set(sha256(utf8(`${label} ${calls} ${block}`)).subarray(0, length - at), at);
      }
      return out;
    },
  };
}

export function auditDeps(files: Files = nodeFiles(), clock: Clock = testClock()): AuditDeps {
  return { files, clock, random: countingRandom(), crypto: testCrypto() };
}

const heads = (generation: number): Pick<AuditDraft, 'generation' | 'manifest_sha256' | 'public_sha256'> => ({
  generation,
  manifest_sha256: sha256Hex(utf8(`manifest ${generation}`)),
  public_sha256: sha256Hex(utf8(`public ${generation}`)),
});

export const initDraft = (): AuditDraft => ({
  op: 'init',
  actor: 'local:1000:tester',
  result: 'ok',
  ...heads(1),
  detail: { profile: 'dev', version: '0.1.0', governed: false },
});

export const signDraft = (n: number, kid = KID): AuditDraft => ({
  op: 'sign',
  actor: 'local:1000:tester',
  tenant: 'acme',
  kid,
  alg: 'ed25519+ml-dsa',
  purpose: 'release',
  input_hash: `b3:${sha256Hex(utf8(`input ${n}`))}`,
  result: 'ok',
  detail: { governed: false },
});

export const createDraft = (generation: number, kid = KID): AuditDraft => ({
  op: 'create',
  actor: 'local:1000:tester',
  tenant: 'acme',
  kid,
  alg: 'ed25519+ml-dsa',
  purpose: 'release',
  result: 'ok',
  ...heads(generation),
  detail: { tracks: ['ed25519', 'ml-dsa'], pub: { ed25519: sha256Hex(utf8(kid)) }, governed: false },
});

/** `state` when due, and `manifest`: what must come before a checkpoint. */
export async function closing(log: AuditAppender, generation: number): Promise<AuditDraft[]> {
  const detail = await log.stateDetail(generation, 1);
  const state: AuditDraft[] =
    detail === null ? [] : [{ op: 'state', actor: 'system', result: 'ok', detail: { ...detail, governed: false } }];
  return [
    ...state,
    { op: 'manifest', actor: 'system', result: 'ok', ...heads(generation), detail: { governed: false } },
  ];
}

export async function newLog(auditDir: string, deps: AuditDeps = auditDeps()): Promise<AuditAppender> {
  return createAuditLog(deps, {
    auditDir,
    storeId: STORE_ID,
    base: BASE,
    logKeys: await logKeys(),
    serviceKeys: { ed25519: new Uint8Array(32).fill(1), ml_dsa_65: new Uint8Array(1952).fill(2) },
    headKey: HEAD_KEY,
  });
}

export async function reopenLog(
  auditDir: string,
  deps: AuditDeps = auditDeps(undefined, testClock(3_600_000)),
  keys: Partial<Pick<OpenAuditLog, 'logKeys' | 'previousLogKeys'>> = {},
): Promise<AuditAppender> {
  return openAuditLog(deps, {
    auditDir,
    storeId: STORE_ID,
    logKeys: await logKeys(),
    headKeys: [HEAD_KEY],
    ungoverned: true,
    ...keys,
  });
}

/** Brings a log to `size` records, the last of them under a checkpoint; `every` adds checkpoints on the way. */
export async function fillLog(log: AuditAppender, size: number, every = Number.POSITIVE_INFINITY): Promise<void> {
  let next = log.size === 0 ? 0 : log.size;
  if (next === 0 && size > 0) {
    await log.append([initDraft()]);
    next = 1;
  }
  let sinceCheckpoint = 0;
  while (log.size < size) {
    const room = size - log.size;
    if (room <= 2 || sinceCheckpoint >= every) {
      const drafts = await closing(log, 1);
      // A manifest record alone fills an odd place.
      await log.append(room === 1 ? drafts.filter((draft) => draft.op !== 'state') : drafts.slice(0, room));
      await log.signCheckpoint();
      sinceCheckpoint = 0;
      continue;
    }
    const count = Math.min(room - 2, 500, every - sinceCheckpoint);
    await log.append(Array.from({ length: count }, (_, at) => signDraft(log.size + at)));
    sinceCheckpoint += count;
  }
}
