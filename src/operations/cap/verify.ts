// `cap verify FILE`: would this home's service take the token now? The root is unsealed to check the MAC, without a lock;
// registration and use are read from the proven log, revocation from its sealed record. Discharges of third-party caveats
// are checked too, although the service takes no such token.

import { fromUtf8 } from '../../bytes/text.ts';
import { toTime } from '../../bytes/time.ts';
import { wipe } from '../../bytes/wipe.ts';
import { verifyChain } from '../../capability/chain.ts';
import { effectiveCaveats } from '../../capability/effective.ts';
import { decodeMacaroon, parseToken, type Token } from '../../capability/token.ts';
import { loadSecretbox } from '../../crypto/secretbox.ts';
import { RonError } from '../../errors.ts';
import { isNarrowing } from '../../kms/service/authenticator.ts';
import { capabilityKey } from '../../kms/service/authorise.ts';
import { capabilityOf, usedBy } from '../../kms/service/capability-records.ts';
import { CapabilityRoots, readRevocations } from '../../kms/service/capability-roots.ts';
import { readHomeState } from '../../kms/service/home-reader.ts';
import { withSealedReading } from '../../storage/sealed-reader.ts';
import type { OperationDeps } from '../deps.ts';
import { type DescribedCapability, describe } from './describe.ts';

export interface CapVerifyRequest {
  readonly token: string;
  /** Tokens that discharge third-party caveats, bound to this one. */
  readonly discharges: readonly string[];
}

export interface CapCheck {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string | null;
}

export interface CapVerifyResult extends DescribedCapability {
  /** `valid`: the service takes it now; `forged`: not from this store; `refused`: not taken. */
  readonly verdict: 'valid' | 'forged' | 'refused' | 'inconclusive';
  readonly now: string;
  readonly checks: readonly CapCheck[];
}

const check = (what: string, ok: boolean, found: string | null = null): CapCheck => ({
  what,
  ok,
  found: ok ? null : found,
});

interface Mac {
  /** `gone`: its root is not in the store any more, so nobody can tell. */
  readonly verdict: 'genuine' | 'forged' | 'gone' | 'inconclusive';
  /** Predicates of token and discharges. */
  readonly predicates: readonly string[];
  readonly why: string | null;
  readonly revoked: boolean;
}

async function judgeMac(token: Token, discharges: readonly string[], nowMs: number, deps: OperationDeps): Promise<Mac> {
  const { root } = token.identifier;
  const box = await loadSecretbox();
  const sent = discharges.map(decodeMacaroon);
  return withSealedReading(deps, async (reading) => {
    const roots = await CapabilityRoots.read(reading);
    const key = roots.keyOf(root, nowMs);
    const revoked = (await readRevocations(reading)).some(
      (one) => capabilityKey(one) === capabilityKey(token.identifier),
    );
    try {
      if (key === null) return { verdict: 'gone', predicates: [], why: `its root ${root} is gone`, revoked };
      const predicates = verifyChain(box, key, token.macaroon, sent).map((one) => fromUtf8(one) ?? '\ufffd');
      return { verdict: 'genuine', predicates, why: null, revoked };
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      const verdict = error.code === 'Inconclusive' ? 'inconclusive' : 'forged';
      return { verdict, predicates: [], why: error.message, revoked };
    } finally {
      wipe(key);
      roots.close();
    }
  });
}

/** From the records under the newest checkpoint. */
async function judgeLog(token: Token, deps: OperationDeps): Promise<readonly CapCheck[]> {
  const key = capabilityKey(token.identifier);
  const { log } = await readHomeState(deps);
  if (log === null) return [check('registered', false, 'the log has no verified checkpoint')];
  let registered = check('registered', false, 'no mint record under the newest checkpoint');
  for (const { record } of log.find('mint')) {
    const recorded = capabilityOf(record);
    if (recorded === null || capabilityKey(recorded.identifier) !== key) continue;
    registered = check('registered', isNarrowing(token, recorded), 'another token is registered under this id');
  }
  const once = token.identifier.once || token.caveats.includes('usage = once');
  if (!once) return [registered];
  let used: string | null = null;
  for (const op of SPENDING) {
    for (const { place, record } of log.find(op)) if (usedBy(record) === key) used = `used by record ${place.seq}`;
  }
  return [registered, check('not spent', used === null, used)];
}

/** Operations whose record spends a one-time capability. */
const SPENDING = [
  'sign',
  'wrap',
  'unwrap',
  'create',
  'rotate',
  'mint',
  'revoke',
  'cap.rotate',
  'ledger.append',
  'governance.execute',
  'tune',
  'rollback',
  'attest',
] as const;

function judgeCaveats(predicates: readonly string[], thirdParty: number, nowMs: number): readonly CapCheck[] {
  let left: ReturnType<typeof effectiveCaveats>;
  try {
    left = effectiveCaveats(predicates);
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    return [check('the caveats allow something', false, error.message)];
  }
  const from = left.notBeforeMs;
  return [
    check('the caveats allow something', true),
    check('no third-party caveat', thirdParty === 0, 'the service takes no token that needs a discharge'),
    check('not expired', nowMs < left.expiresMs, `it ended ${toTime(left.expiresMs)}`),
    check('begun', from === null || from <= nowMs, from === null ? null : `it begins ${toTime(from)}`),
  ];
}

/** A negative verdict is in the result. Throws Malformed, NotInitialised, WrongPassphrase, Tampered. */
export async function verify(request: CapVerifyRequest, deps: OperationDeps): Promise<CapVerifyResult> {
  const token = parseToken(request.token);
  const said = describe(token);
  const nowMs = deps.host.clock.now();
  const mac = await judgeMac(token, request.discharges, nowMs, deps);
  const result = (verdict: CapVerifyResult['verdict'], checks: readonly CapCheck[]): CapVerifyResult => ({
    ...said,
    verdict,
    now: toTime(nowMs),
    checks,
  });
  const genuine = check('made under a root of this store', mac.verdict === 'genuine', mac.why);
  if (mac.verdict !== 'genuine') return result(mac.verdict === 'gone' ? 'refused' : mac.verdict, [genuine]);
  const checks = [
    genuine,
    ...judgeCaveats(mac.predicates, said.third_party, nowMs),
    check('not revoked', !mac.revoked, 'it was revoked'),
    ...(await judgeLog(token, deps)),
  ];
  return result(checks.every((one) => one.ok) ? 'valid' : 'refused', checks);
}

/** What the exit code follows; undefined when it is valid. */
export function verdictError({ verdict, checks }: CapVerifyResult): RonError | undefined {
  if (verdict === 'valid') return undefined;
  const { what, found } = checks.find((one) => !one.ok)!;
  const why = found ?? `${what}: no`;
  if (verdict === 'forged') return new RonError('VerificationFailed', `the capability is not of this store: ${why}`);
  if (verdict === 'inconclusive') {
    return new RonError('Inconclusive', `the capability needs a discharge: ${why}`, {
      hint: 'Give it with --discharge.',
    });
  }
  return new RonError('NoCapability', `the server would refuse the capability: ${why}`, {
    hint: 'Get a new one with `ronctl cap mint`; one that is not registered with `ronctl cap register`.',
  });
}
