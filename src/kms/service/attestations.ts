// Evidence of keys in a server (GAP-45, GAP-58): made when a key first signs, made again after 5 minutes, and named by its
// digest in every record and reply of `sign` where the policy asks for it. Where it is required and cannot be made, signing
// is refused with 503 until it can (C-17); where it is only asked for, replies go without.

import { RonError } from '../../errors.ts';
import type { Clock, Millis } from '../../host.ts';
import type { PublicVersion } from '../../keys/public-view.ts';
import type { Telemetry } from '../telemetry.ts';
import { type Evidence, evidenceDigest, makeEvidence } from './attestation.ts';
import type { Deadlines } from './deadlines.ts';
import type { OpenHome } from './home.ts';
import { readKeyObject } from './key-info.ts';
import type { KeyReader } from './reader.ts';
import { unavailable } from './serving-store.ts';

const REFRESH_MS = 5 * 60_000;
const KEPT = 4096;

export type Requirement = 'never' | 'if-available' | 'required';

export interface AttestationsDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly deadlines: Deadlines;
  readonly backend: 'file' | 'inmem';
  readonly build: string;
  readonly deadlineMs: Millis;
  readonly requirement: () => Requirement;
  readonly reader: () => Promise<KeyReader>;
}

type Digest = ReturnType<typeof evidenceDigest>;

interface Kept {
  readonly atMs: Millis;
  readonly evidence: Promise<Evidence>;
}

export class Attestations {
  readonly #deps: AttestationsDeps;
  readonly #kept = new Map<string, Kept>();
  #ready = true;

  constructor(deps: AttestationsDeps) {
    this.#deps = deps;
  }

  /** Evidence could be made when it was last wanted. */
  get ready(): boolean {
    return this.#ready;
  }

  /** For a version that is about to sign; null where none is asked for. Throws StoreUnavailable where it is required. */
  async of(home: OpenHome, kid: string, version: PublicVersion): Promise<Digest | null> {
    const requirement = this.#deps.requirement();
    if (requirement === 'never') return null;
    try {
      return evidenceDigest(await this.#current(home, kid, version));
    } catch (error) {
      if (requirement === 'if-available') return null;
      const why = error instanceof Error ? error.message : String(error);
      throw error instanceof RonError && error.exit === 10 ? error : unavailable(`no attestation can be made: ${why}`);
    }
  }

  async #current(home: OpenHome, kid: string, version: PublicVersion): Promise<Evidence> {
    const { backend, clock, telemetry } = this.#deps;
    const nowMs = clock.monotonicMs();
    const known = this.#kept.get(kid);
    if (known !== undefined && nowMs - known.atMs < REFRESH_MS) return known.evidence;
    const evidence = this.#make(home, kid, version);
    const kept = { atMs: nowMs, evidence };
    this.#kept.delete(kid);
    this.#kept.set(kid, kept);
    if (this.#kept.size > KEPT) for (const oldest of [...this.#kept.keys()].slice(0, 1)) this.#kept.delete(oldest);
    try {
      const made = await evidence;
      this.#tell(true, made.class);
      telemetry.count('kms_attest_total', { backend, result: 'ok' });
      return made;
    } catch (error) {
      if (this.#kept.get(kid) === kept) this.#kept.delete(kid);
      this.#tell(false, null);
      telemetry.count('kms_attest_total', { backend, result: 'err' });
      throw error;
    }
  }

  async #make(home: OpenHome, kid: string, version: PublicVersion): Promise<Evidence> {
    const { build, deadlineMs, deadlines, telemetry } = this.#deps;
    const reader = await this.#deps.reader();
    const object = readKeyObject(home.crypto, reader, kid.split('#')[0]!, version);
    if (object === null) throw new RonError('NotAuthenticated', `the key object of ${kid} is missing`);
    return deadlines.within(makeEvidence(home, build, kid, object.pub), deadlineMs, () => {
      telemetry.count('io_timeouts_total', { op: 'attest' });
      return unavailable(`an attestation took over ${deadlineMs} ms`);
    });
  }

  #tell(ok: boolean, which: string | null): void {
    const { backend, telemetry } = this.#deps;
    if (ok === this.#ready) return;
    this.#ready = ok;
    telemetry.publish('kms.attestation.status', { backend, class: which, ok });
    telemetry.log(ok ? 'info' : 'error', ok ? 'attestation_refresh_ok' : 'attestation_refresh_failed', { backend });
  }
}
