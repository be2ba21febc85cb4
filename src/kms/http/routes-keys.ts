// Handlers of the key routes: sign, verify, wrap, unwrap, /keys (API-02..08).

import { numberOf } from '../../kms-api/wire-call.ts';
import {
  continuityRequest,
  createAnswer,
  createRequest,
  keyAnswer,
  needsRotationAnswer,
  rotateAnswer,
} from '../../kms-api/wire-keys.ts';
import { signAnswer, signRequest } from '../../kms-api/wire-signing.ts';
import { unwrapAnswer, unwrapRequest, wrapAnswer, wrapRequest } from '../../kms-api/wire-wrapping.ts';
import type { PublicKeysResult } from '../ports.ts';
import type { HandlerContext, Handlers } from './route-handler.ts';
import { verify } from './verify-route.ts';

type KeyRoute =
  | 'sign'
  | 'verify'
  | 'wrap'
  | 'unwrap'
  | 'createKey'
  | 'rotateKey'
  | 'getKey'
  | 'listKeys'
  | 'needsRotation'
  | 'continuity'
  | 'attestKey';

/** Public keys of a version; none in a dry run, where nothing was made. */
async function publicKeys({ kms, call }: HandlerContext, kid: string): Promise<PublicKeysResult | null> {
  return call.dryRun === true ? null : kms.keys.publicKeys({ kid }, call);
}

export const KEY_HANDLERS: Handlers<KeyRoute> = {
  sign: async ({ body }, context) => {
    const request = signRequest(body);
    context.log.kid = request.kids[0]!;
    const result = await context.kms.signing.sign(request, context.call);
    context.log.kid = result.kid;
    return { json: signAnswer(request, result) };
  },

  verify,

  wrap: async ({ body }, context) => {
    const request = wrapRequest(body);
    if (request.plaintext !== undefined) context.wipeAfter.push(request.plaintext);
    context.log.kid = request.kid;
    return { json: wrapAnswer(await context.kms.wrapping.wrap(request, context.call)) };
  },

  unwrap: async ({ body }, context) => {
    context.log.kid = body.kid;
    const result = await context.kms.wrapping.unwrap(unwrapRequest(body), context.call);
    if (result.plaintext !== null) context.wipeAfter.push(result.plaintext);
    return { json: unwrapAnswer(result) };
  },

  createKey: async ({ body }, context) => {
    context.log.tenant = body.tenant;
    const result = await context.kms.keys.create(createRequest(body), context.call);
    context.log.kid = result.kid;
    return { json: createAnswer(result, await publicKeys(context, result.kid)) };
  },

  rotateKey: async ({ params }, context) => {
    context.log.kid = params.kid;
    const result = await context.kms.keys.rotate({ kid: params.kid }, context.call);
    return { json: rotateAnswer(result, await publicKeys(context, result.kid)) };
  },

  getKey: async ({ params }, context) => {
    const { kms, call } = context;
    context.log.kid = params.kid;
    const { key, trust } = await kms.keys.get({ kid: params.kid }, call);
    const isThere = key.versions.some(({ state }) => state !== 'retired');
    const keys = isThere ? await kms.keys.publicKeys({ kid: params.kid }, call) : null;
    return { json: { ...keyAnswer(key, keys), trust } };
  },

  listKeys: async ({ query }, { kms, call }) => {
    const { keys, trust } = await kms.keys.list(query, call);
    return { json: { keys: keys.map((key) => keyAnswer(key, null)), trust } };
  },

  needsRotation: async ({ params, query }, context) => {
    context.log.kid = params.kid;
    const { within_ms } = query;
    const request = { kid: params.kid, ...(within_ms === undefined ? {} : { withinMs: numberOf(within_ms, 0) }) };
    return { json: needsRotationAnswer(await context.kms.keys.needsRotation(request, context.call)) };
  },

  continuity: async ({ params, body }, context) => {
    context.log.kid = params.kid;
    return { json: await context.kms.keys.continuity(continuityRequest(params.kid, body), context.call) };
  },

  attestKey: async ({ params }, context) => {
    context.log.kid = params.kid;
    return { json: await context.kms.attesting.attest({ kid: params.kid }, context.call) };
  },
};
