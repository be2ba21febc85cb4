// Refusals behind the authorisation of the key ports are told to the outcomes: policy, freeze, state of a key, custody.
// The tenant is that of the request, which was authorised before any of these codes can come.

import { RonError } from '../../errors.ts';
import { parseKeyId } from '../../keys/key-id.ts';
import type { Attesting } from '../admin-ports.ts';
import type { Call, Keys, Signing, Wrapping } from '../ports.ts';
import { isRecordedRefusal, type Outcomes } from './outcomes.ts';

export interface KeyPorts {
  readonly keys: Keys;
  readonly signing: Signing;
  readonly wrapping: Wrapping;
  readonly attesting: Attesting;
}

const tenantOfKid = (kid: string | undefined): string | null =>
  (kid === undefined ? null : parseKeyId(kid))?.tenant ?? null;

export function recordingRefusals({ keys, signing, wrapping, attesting }: KeyPorts, outcomes: Outcomes): KeyPorts {
  const told = async <T>(of: string, tenant: string | null, call: Call, run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      if (tenant !== null && call.dryRun !== true && error instanceof RonError && isRecordedRefusal(error.code)) {
        outcomes.refused({ tenant, of, result: error.code });
      }
      throw error;
    }
  };
  return {
    keys: {
      create: (request, call) => told('create', request.tenant, call, () => keys.create(request, call)),
      rotate: (request, call) => told('rotate', tenantOfKid(request.kid), call, () => keys.rotate(request, call)),
      retire: (request, call) => keys.retire(request, call),
      get: (request, call) => keys.get(request, call),
      list: (request, call) => keys.list(request, call),
      publicKeys: (request, call) => keys.publicKeys(request, call),
      needsRotation: (request, call) => keys.needsRotation(request, call),
      continuity: (request, call) => keys.continuity(request, call),
    },
    signing: {
      sign: (request, call) => told('sign', tenantOfKid(request.kids[0]), call, () => signing.sign(request, call)),
      verify: (request, call) => signing.verify(request, call),
    },
    wrapping: {
      wrap: (request, call) => told('wrap', tenantOfKid(request.kid), call, () => wrapping.wrap(request, call)),
      unwrap: (request, call) => told('unwrap', tenantOfKid(request.kid), call, () => wrapping.unwrap(request, call)),
    },
    attesting: {
      attest: (request, call) => told('attest', tenantOfKid(request.kid), call, () => attesting.attest(request, call)),
    },
  };
}
