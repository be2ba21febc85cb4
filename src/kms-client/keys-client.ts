// The Keys, Signing, Wrapping and Attesting ports over the network. Answers are read through the schemas of the wire; an
// answer about another payload or key than was asked for is refused.

import type { Json } from '../bytes/canonical-json.ts';
import { RonError } from '../errors.ts';
import { decodeBundle } from '../keys/bundle.ts';
import { parseKeyId } from '../keys/key-id.ts';
import type { Attesting } from '../kms/admin-ports.ts';
import type { Keys, Signing, VerifyResult, Wrapping } from '../kms/ports.ts';
import { callMembers } from '../kms-api/wire-call.ts';
import {
  continuityBody,
  continuityResult,
  createBody,
  createResult,
  getResult,
  listResult,
  needsRotationResult,
  publicKeysResult,
  rotateResult,
} from '../kms-api/wire-keys.ts';
import { signBody, signResult, verifyBody, verifyResult } from '../kms-api/wire-signing.ts';
import { unwrapBody, unwrapResult, wrapBody, wrapResult } from '../kms-api/wire-wrapping.ts';
import type { Answers } from './answers.ts';
import { badAnswer } from './failure.ts';

export interface KeyPorts {
  readonly keys: Keys;
  readonly signing: Signing;
  readonly wrapping: Wrapping;
  readonly attesting: Attesting;
}

/** `kid` without its version; two names of one key are the same. */
const keyOf = (kid: string): string => parseKeyId(kid)?.kid ?? kid;

/** What a bundle says of its payload does not cross the wire; one that says another thing than was asked is never valid. */
function ofAnotherPayload(result: VerifyResult): VerifyResult {
  const reason = 'the bundle was made for another payload';
  const signatures = result.signatures.map(({ alg }) => ({ alg, valid: false, reason }));
  return { ...result, signatures, accepted: false, satisfied_mode: null, refusal: 'VerificationFailed' };
}

/** Members as the port names them, by their names on the wire. */
const FIELDS: Readonly<Record<string, string>> = {
  'kid_or_set.kid': 'kid',
  'kid_or_set.kid_set': 'kid_set',
  plaintext_key_b64: 'plaintext',
  wrapped_b64: 'envelope',
  proof_b64: 'proof',
  key_object_b64: 'key',
  statement_b64: 'statement',
  'policy_hints.rotate_days': 'rotate_days',
};

/** A refusal that names a member of the body, in the words of the port. */
function inPortWords(answers: Answers): Answers {
  return {
    name: answers.name,
    ask: async (id, call, parts, read) => {
      try {
        return await answers.ask(id, call, parts, read);
      } catch (error) {
        if (!(error instanceof RonError) || error.field === undefined) throw error;
        const field = FIELDS[error.field];
        if (field === undefined) throw error;
        const message = error.message.replace(error.field, field);
        throw new RonError(error.code, message, {
          ...(error.hint === undefined ? {} : { hint: error.hint }),
          ...(error.data === undefined ? {} : { data: error.data }),
          field,
          cause: error,
        });
      }
    },
  };
}

export function keysClient(exact: Answers): KeyPorts {
  const answers = inPortWords(exact);
  const { name } = answers;
  /** Attack: a server answers about another key, whose private half its operator has. */
  const about = (asked: readonly string[], found: string): void => {
    if (!asked.some((one) => keyOf(one) === keyOf(found))) throw badAnswer(name, 'an answer about another key');
  };

  const keys: Keys = {
    create: (request, call) => answers.ask('createKey', call, { body: createBody(request, call) }, createResult),
    rotate: ({ kid }, call) =>
      answers.ask('rotateKey', call, { params: { kid }, kid, body: callMembers(call) }, (answer) => {
        about([kid], answer.kid);
        return rotateResult(answer);
      }),
    get: ({ kid }, call) =>
      answers.ask('getKey', call, { params: { kid }, kid }, (answer) => {
        about([kid], answer.kid);
        return getResult(answer);
      }),
    list: ({ tenant }, call) =>
      answers.ask('listKeys', call, { query: tenant === undefined ? {} : { tenant } }, listResult),
    publicKeys: ({ kid }, call) =>
      answers.ask('getKey', call, { params: { kid }, kid }, (answer) => {
        about([kid], answer.kid);
        if (kid.includes('#') && answer.kid !== kid) throw badAnswer(name, 'an answer about another version');
        return publicKeysResult(answer);
      }),
    needsRotation: ({ kid, withinMs }, call) => {
      const query = withinMs === undefined ? {} : { within_ms: String(withinMs) };
      return answers.ask('needsRotation', call, { params: { kid }, kid, query }, needsRotationResult);
    },
    continuity: (request, call) => {
      const { kid } = request;
      return answers.ask('continuity', call, { params: { kid }, kid, body: continuityBody(request) }, continuityResult);
    },
    retire: () =>
      Promise.reject(new RonError('PolicyRefused', 'only the execution of a governed key-retire retires a key')),
  };

  const signing: Signing = {
    sign: (request, call) => {
      const kid = request.kids.length === 1 ? { kid: request.kids[0]! } : {};
      return answers.ask('sign', call, { body: signBody(request, call), ...kid }, (answer) => {
        about(request.kids, answer.kid);
        if (answer.payload_b3 !== request.payload_b3) throw badAnswer(name, 'a signature over another payload');
        return signResult(answer);
      });
    },
    async verify(request, call) {
      const { bundle, payload_b3 } = request;
      decodeBundle(bundle as unknown as Json, '');
      const parts = { body: verifyBody(request, call), kid: bundle.kid };
      const result = await answers.ask('verify', call, parts, (answer) => {
        about([bundle.kid], answer.kid);
        return verifyResult(answer);
      });
      return bundle.payload_b3 === payload_b3 ? result : ofAnotherPayload(result);
    },
  };

  const wrapping: Wrapping = {
    wrap: (request, call) =>
      answers.ask('wrap', call, { body: wrapBody(request, call), kid: request.kid }, (answer) => {
        about([request.kid], answer.kid);
        return wrapResult(answer);
      }),
    unwrap: (request, call) =>
      answers.ask('unwrap', call, { body: unwrapBody(request, call), kid: request.kid }, (answer) => {
        about([request.kid], answer.kid);
        return unwrapResult(answer);
      }),
  };

  const attesting: Attesting = {
    attest: ({ kid }, call) =>
      answers.ask('attestKey', call, { params: { kid }, kid, body: callMembers(call) }, (answer) => {
        about([kid], answer.kid);
        return answer;
      }),
  };
  return { keys, signing, wrapping, attesting };
}
