// POST /verify (API-21, API-22, C-24): which key is meant, and the answer. Without a key id the signatures are tried on at most
// eight key versions of the capability's tenants: unbounded ML-DSA trials would be a lever for whoever wants to keep the service
// busy.

import { fail } from '../../errors.ts';
import { withVersion } from '../../keys/key-id.ts';
import type { Wire } from '../../kms-api/schemas.ts';
import { kidsOf, verifyAnswer, verifyRequest } from '../../kms-api/wire-signing.ts';
import type { Call, KeyInfo, VerifyResult } from '../ports.ts';
import type { Answer, HandlerContext, Parts } from './route-handler.ts';

type Body = Wire<'verify', 'body'>;

const CANDIDATES = 8;
const NAME_THE_KEY = { field: 'kid_or_set', hint: 'Name the key: {"kid_or_set":{"kid":"<kid>#v<N>"}}.' };

/** Key versions that could have made these signatures, newest first. */
function versionsFor(keys: readonly KeyInfo[], body: Body): string[] {
  const algs = body.sigs.map(({ alg }) => alg);
  return keys.flatMap((key) =>
    key.versions
      .filter(({ tracks }) => algs.length === tracks.length && algs.every((alg) => tracks.includes(alg)))
      .map(({ n }) => withVersion(key.kid, n))
      .reverse(),
  );
}

/** The service looks, not the caller, who learns of keys no more than whether a signature is valid. */
function lookingUp(call: Call): Call {
  const { caller } = call;
  if (caller.kind !== 'capability') return call;
  return { ...call, caller: { ...caller, scopes: [...caller.scopes, 'kms:read'] } };
}

async function candidates(body: Body, { kms, call }: HandlerContext): Promise<readonly string[]> {
  const { kid_or_set } = body;
  const named = kid_or_set === undefined ? null : kidsOf(kid_or_set);
  if (named?.every((kid) => kid.includes('#')) === true) return named;
  const keys =
    named === null
      ? (await kms.keys.list({}, lookingUp(call))).keys
      : await Promise.all(named.map(async (kid) => (await kms.keys.get({ kid }, lookingUp(call))).key));
  const found = versionsFor(keys, body);
  if (found.length > CANDIDATES) {
    fail(
      'InvalidValue',
      `kid_or_set: ${found.length} key versions could have made this; at most ${CANDIDATES} are tried`,
      NAME_THE_KEY,
    );
  }
  if (found.length === 0) {
    fail('InvalidValue', 'kid_or_set: no key of the tenants of this capability could have made this', NAME_THE_KEY);
  }
  return found;
}

export async function verify({ body }: Parts<'verify'>, context: HandlerContext): Promise<Answer> {
  const kids = await candidates(body, context);
  let answer: VerifyResult | null = null;
  for (const kid of kids) {
    const one = await context.kms.signing.verify(verifyRequest(body, kid), context.call);
    if (answer === null || one.signatures.some(({ valid }) => valid)) answer = one;
    if (one.signatures.some(({ valid }) => valid)) break;
  }
  const result = answer!;
  context.log.kid = result.kid;
  const age = result.cache_age_ms;
  return {
    json: verifyAnswer(result),
    ...(age === undefined ? {} : { headers: { 'x-kms-cache-age': String(age) } }),
  };
}
