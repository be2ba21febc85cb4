// The Keys port in-process (service page 1): create, rotate, get, list, needs-rotation, continuity. Reading never unseals.
// `retire` is governed: the port refuses every caller, the execution of a key-retire commits key-effects.ts.

import { fromTime } from '../../bytes/time.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { fail } from '../../errors.ts';
import { type KeyId, requireKeyId, withVersion } from '../../keys/key-id.ts';
import { headOf, requireKey, requireVersion } from '../../keys/keyring.ts';
import type { Call, Keys, NeedsRotationResult } from '../ports.ts';
import { authorise, mayRead } from './authorise.ts';
import { judgeContinuity } from './continuity.ts';
import { checkCreateForm, createKey } from './create-key.ts';
import type { OpenHome } from './home.ts';
import { publicKeysOf, readKeyInfo, readKeyObject } from './key-info.ts';
import { integerInForce } from './key-policy.ts';
import type { KeyReader, TrustedService } from './reader.ts';
import { rotateKey } from './rotate-key.ts';
import type { Serving } from './serving.ts';

const DAY_MS = 86_400_000;

/** What the services of one home share. */
export interface KeyServices {
  crypto(): Promise<Crypto>;
  reader(): Promise<KeyReader>;
  /** What verification reads; as `reader` where it is absent. */
  readonly verifier?: () => Promise<KeyReader>;
  trusted(): Promise<readonly TrustedService[]>;
  /** Unseals at the first call. */
  open(): Promise<OpenHome>;
  /** Absent in a command. */
  readonly serving?: Serving;
}

/** 0 yes, 5 no, 11 unknown for the command; exactly at the limit it is yes. */
function judgeAge(crypto: Crypto, reader: KeyReader, kid: string, withinMs: number): NeedsRotationResult {
  const id = requireKeyId(kid, 'kid');
  const key = requireKey(reader.view, id);
  const head = headOf(key);
  const object = readKeyObject(crypto, reader, key.kid, head);
  const limit = integerInForce(reader.policy, id.tenant, 'keys.rotate_max_days', reader.judged);
  const limitDays = Math.min(limit, object?.rotate_days ?? limit);
  const nowMs = fromTime(reader.judged.now.wall);
  const ageMs = object === null ? null : nowMs - fromTime(object.created_at);
  const common = {
    kid: withVersion(key.kid, head.n),
    created_at: object?.created_at ?? null,
    age_days: ageMs === null ? null : Math.floor(ageMs / DAY_MS),
    limit_days: limitDays,
    trust: reader.trust,
  };
  const unknown = (reason: string): NeedsRotationResult => ({ ...common, answer: 'unknown', reason });
  if (key.state === 'retired') fail('Retired', `the key ${key.kid} is retired`, { hint: 'Create a new key.' });
  if (reader.trust === 'not-authenticated')
    return unknown('the state of the key is not covered by a verified checkpoint');
  if (head.state === 'compromised')
    return { ...common, answer: 'yes', reason: 'the newest version was declared compromised' };
  if (ageMs === null) return unknown('the key object is missing from store/keys, so its age is not known');
  if (ageMs < 0 || nowMs < reader.judged.highWaterMs) return unknown('the clock is behind the newest time seen');
  return { ...common, answer: ageMs + withinMs >= limitDays * DAY_MS ? 'yes' : 'no' };
}

export function keysService(services: KeyServices): Keys {
  const read = async (call: Call, id: KeyId): Promise<{ crypto: Crypto; reader: KeyReader }> => {
    authorise(call, 'kms:read', id);
    return { crypto: await services.crypto(), reader: await services.reader() };
  };
  return {
    create: async (request, call) => {
      checkCreateForm(request);
      authorise(call, 'kms:rotate', request);
      return createKey(await services.open(), request, call);
    },
    rotate: async (request, call) => {
      authorise(call, 'kms:rotate', requireKeyId(request.kid, 'kid'));
      return rotateKey(await services.open(), request, call);
    },
    get: async ({ kid }, call) => {
      const id = requireKeyId(kid, 'kid');
      const { crypto, reader } = await read(call, id);
      const key = requireKey(reader.view, id);
      requireVersion(key, id);
      return { key: readKeyInfo(crypto, reader, key), trust: reader.trust };
    },
    list: async ({ tenant }, call) => {
      const crypto = await services.crypto();
      const reader = await services.reader();
      const visible = reader.view.keys.filter((key) => {
        const id = requireKeyId(key.kid, 'kid');
        return (tenant === undefined || id.tenant === tenant) && mayRead(call, id);
      });
      return { keys: visible.map((key) => readKeyInfo(crypto, reader, key)), trust: reader.trust };
    },
    publicKeys: async ({ kid }, call) => {
      const id = requireKeyId(kid, 'kid');
      const mayRotate = call.caller.kind === 'capability' && call.caller.scopes.includes('kms:rotate');
      authorise(call, mayRotate ? 'kms:rotate' : 'kms:read', id);
      const reader = await services.reader();
      const key = requireKey(reader.view, id);
      return publicKeysOf(await services.crypto(), reader, key.kid, requireVersion(key, id));
    },
    needsRotation: async ({ kid, withinMs }, call) => {
      const { crypto, reader } = await read(call, requireKeyId(kid, 'kid'));
      return judgeAge(crypto, reader, kid, withinMs ?? 0);
    },
    continuity: async (request, call) => {
      const { crypto, reader } = await read(call, requireKeyId(request.kid, 'kid'));
      return judgeContinuity(crypto, reader, request);
    },
    retire: async ({ kid }, call) => {
      authorise(call, 'kms:rotate', requireKeyId(kid, 'kid'));
      return fail('PolicyRefused', `retiring ${kid} needs a quorum`, {
        hint: `Run \`ronctl kms retire ${kid}\`, which writes the proposal.`,
      });
    },
  };
}
