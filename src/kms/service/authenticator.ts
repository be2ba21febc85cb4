// Who a bearer is (service page 2 and 5): form, MAC, registration, times, revocation and use of a token, in that order. What
// costs (parsing, the HMAC chain) is done once per token and kept under the SHA-256 of its text; what changes is asked every
// time. Refuses with NoCapability (401) what is missing, malformed, not ours, not registered, not yet or no longer valid,
// revoked or spent; with Denied (403) caveats that allow nothing. No message holds anything of the token.

import { toTime } from '../../bytes/time.ts';
import { type EffectiveCaveats, effectiveCaveats, kidText } from '../../capability/effective.ts';
import { parseToken, type Token } from '../../capability/token.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { fail, RonError } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import { ReasonedError } from '../../kms-api/reject-reason.ts';
import { LIMITS } from '../../limits.ts';
import type { Authenticator } from '../admin-ports.ts';
import type { Caller, LiveCapability, Narrowed, Uuid } from '../ports.ts';
import { capabilityKey } from './authorise.ts';
import type { RecordedCapability } from './capability-records.ts';
import type { CapabilityRegister } from './capability-register.ts';
import type { CapabilityRoots } from './capability-roots.ts';

type Bearer = Extract<Caller, { kind: 'capability' }>;

export interface AuthenticatorDeps {
  readonly roots: CapabilityRoots;
  readonly register: CapabilityRegister;
  /** The later of the clock and what it has said before: a clock set back revives nothing. */
  nowMs(): Millis;
}

/** A token whose MAC was right. */
interface Verified {
  /** Not the token: nobody can make one out of what is kept. */
  readonly caveats: readonly string[];
  readonly key: string;
  readonly root: number;
  readonly effective: EffectiveCaveats;
  readonly once: boolean;
  readonly caller: Bearer;
  /** The mint record that its caveats begin with. */
  recorded: RecordedCapability | null;
}

const HINT = { hint: 'Get a capability with `ronctl cap mint`.' };

const refuse = (why: string): never => fail('NoCapability', `the capability ${why}`, HINT);

/** Further ahead than two clocks differ. */
const SKEW_MS = 300_000;

/**
 * Somebody is early, as the capability was minted or by far; or what its holder appended, by a clock of his own, is a little
 * ahead of this one: clock_skew (C-20).
 */
function notYet({ recorded }: Verified, fromMs: Millis, nowMs: Millis): never {
  const message = `the capability is not valid yet: it is from ${toTime(fromMs)} on`;
  if (recorded?.effective.notBeforeMs === fromMs || fromMs - nowMs > SKEW_MS) {
    fail('NoCapability', message, { hint: 'Wait until then.' });
  }
  throw new ReasonedError('NoCapability', message, 'clock_skew', { hint: 'clock_skew' });
}

function narrowedOf(of: EffectiveCaveats, once: boolean): Narrowed {
  return {
    expiresAt: toTime(of.expiresMs),
    ...(of.algs === null ? {} : { algs: of.algs }),
    ...(of.purposes === null ? {} : { purposes: of.purposes }),
    ...(of.kid === null ? {} : { kid: kidText(of.kid) }),
    ...(of.rps === null ? {} : { rps: of.rps }),
    ...(of.nonce === null ? {} : { nonce: of.nonce }),
    ...(of.paths.length === 0 ? {} : { paths: of.paths }),
    ...(once ? { once } : {}),
  };
}

export class TokenAuthenticator implements Authenticator {
  readonly #deps: AuthenticatorDeps;
  /** By SHA-256 of the text, least recently used first. */
  readonly #verified = new Map<string, Verified>();

  constructor(deps: AuthenticatorDeps) {
    this.#deps = deps;
  }

  authenticate(bearer: string): Bearer {
    if (bearer === '') return refuse('is missing');
    const digest = sha256Hex(bearer);
    const known = this.#verified.get(digest);
    const verified = known ?? this.#verify(bearer);
    this.#demandCurrent(verified, null);
    // Only what was accepted is kept: a flood of forgeries evicts nothing.
    if (known !== undefined) this.#verified.delete(digest);
    else if (this.#verified.size >= LIMITS.capabilityCacheEntries) {
      const [oldest] = this.#verified.keys();
      this.#verified.delete(oldest!);
    }
    this.#verified.set(digest, verified);
    return verified.caller;
  }

  #verify(bearer: string): Verified {
    const token = readToken(bearer);
    const { root, id, once, sub } = token.identifier;
    if (token.thirdParty)
      fail('Denied', 'the capability needs a discharge of a third party, which the service never takes');
    if (!this.#deps.roots.isAuthentic(token.macaroon, root, this.#deps.nowMs())) {
      return refuse('was not made by this service, or under a root that is gone');
    }
    const key = capabilityKey({ root, id });
    const effective = effectiveCaveats(token.caveats);
    const isOnce = once || effective.once;
    const live: LiveCapability = {
      check: (opId) => this.#demandCurrent(verified, opId),
      stands: () => this.#demandStanding(verified, verified.recorded?.effective.expiresMs ?? 0),
      use: (opId) => {
        this.#demandCurrent(verified, opId);
        this.#deps.register.use(key, opId);
      },
    };
    const caller: Bearer = {
      kind: 'capability',
      root,
      id,
      tenants: effective.tenants,
      scopes: effective.scopes,
      ...(sub === undefined ? {} : { sub }),
      narrowed: narrowedOf(effective, isOnce),
      live,
    };
    const verified: Verified = { caveats: token.caveats, key, root, effective, once: isOnce, caller, recorded: null };
    return verified;
  }

  /** `opId`: the operation that already has it; null at the door. */
  #demandCurrent(verified: Verified, opId: Uuid | null): void {
    const { key, effective, once } = verified;
    this.#demandStanding(verified, effective.expiresMs);
    const fromMs = effective.notBeforeMs;
    if (fromMs !== null && this.#deps.nowMs() < fromMs) notYet(verified, fromMs, this.#deps.nowMs());
    const user = once ? this.#deps.register.usedBy(key) : null;
    if (user !== null && user !== opId) refuse('was for one use, and was used');
  }

  #demandStanding(verified: Verified, expiresMs: Millis): void {
    const { roots, register } = this.#deps;
    const nowMs = this.#deps.nowMs();
    if (!roots.isValid(verified.root, nowMs)) refuse('was made under a root that is gone');
    this.#demandRegistered(verified);
    if (nowMs >= expiresMs) refuse('has expired');
    if (register.isRevoked(verified.key)) {
      throw new ReasonedError('NoCapability', 'the capability was revoked', 'revoked', HINT);
    }
  }

  /** Registered, and as registered or narrower: what was appended stands behind what the record has. */
  #demandRegistered(verified: Verified): void {
    const recorded = this.#deps.register.get(verified.key);
    if (recorded === null) refuse('is not registered');
    else if (verified.recorded !== recorded) {
      if (!isNarrowing(verified, recorded)) refuse('is another one than was registered under its id');
      verified.recorded = recorded;
    }
  }
}

/** True when the token is the recorded one, or that with further caveats behind. */
export function isNarrowing(token: Pick<Token, 'caveats'>, recorded: RecordedCapability): boolean {
  return recorded.caveats.every((text, at) => token.caveats[at] === text);
}

function readToken(bearer: string): Token {
  try {
    return parseToken(bearer);
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    // `not a capability: ...`: what the codec says names no byte.
    return fail('NoCapability', error.message, HINT);
  }
}
