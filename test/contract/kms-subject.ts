// What a port contract suite gets: one implementation of the ports over a fresh, governed store of profile dev in phase 1,
// and the ways to call it. The in-process service runs here; another implementation gives its own subject.

import { uuidV7 } from '../../src/bytes/uuid.ts';
import { RonError } from '../../src/errors.ts';
import type { Call, Caller, Keys, Signing, Wrapping } from '../../src/kms/ports.ts';

export interface KmsSubject {
  readonly keys: Keys;
  readonly signing: Signing;
  readonly wrapping: Wrapping;
  /** Sets the approved phase of every scope, as an execution would. */
  setPhase(phase: 0 | 1 | 2 | 3): Promise<void> | void;
  advanceDays(days: number): void;
}

export type MakeSubject = () => Promise<KmsSubject>;

const random = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length));

export const LOCAL: Caller = { kind: 'local', uid: 1000, login: 'op' };
export const SYSTEM: Caller = { kind: 'system' };
export const SCOPES = ['kms:read', 'kms:rotate', 'kms:sign', 'kms:unwrap', 'kms:verify', 'kms:wrap'];

export function capability(scopes: readonly string[] = SCOPES, tenants: readonly string[] = ['acme']): Caller {
  return { kind: 'capability', root: 1, id: '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81', tenants, scopes };
}

/** A fresh call; `change` replaces members. */
export function call(caller: Caller = LOCAL, change: Partial<Call> = {}): Call {
  const opId = uuidV7(Date.now(), random(16));
  return { caller, opId, corrId: opId, signal: new AbortController().signal, ...change };
}

export const B3 = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24';

/** The RonError that a promise must be rejected with. */
export async function refused(promise: Promise<unknown>): Promise<RonError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RonError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
