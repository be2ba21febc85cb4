// The Keys, Signing, Wrapping and Attesting ports over the network. Answers are read through the schemas of the wire; an
// answer about another payload or key than was asked for is refused.

import { RonError } from '../errors.ts';
import { parseKeyId } from '../keys/key-id.ts';
import type { Attesting } from '../kms/admin-ports.ts';
import type { Keys, Signing, Wrapping } from '../kms/ports.ts';
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

export function keysClient(answers: Answers): KeyPorts {
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
    verify: (request, call) =>
      answers.ask('verify', call, { body: verifyBody(request, call), kid: request.bundle.kid }, (answer) => {
        about([request.bundle.kid], answer.kid);
        return verifyResult(answer);
      }),
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
