// Attestation without hardware (GAP-45), class `software`: a statement over key, public halves, store and build, signed by the
// keys of the audit log; its form is in keys/attestation.ts. In records and in replies of `sign` it stands as `sha256:` of the envelope file.

import { fromUtf8 } from '../../bytes/text.ts';
import { wipe } from '../../bytes/wipe.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { envelopeFile, signedBytes } from '../../envelope/dsse.ts';
import { fail } from '../../errors.ts';
import { ATTESTATION_TYPE, attestationPayload, SOFTWARE_CLASS } from '../../keys/attestation.ts';
import { requireKeyId, withVersion } from '../../keys/key-id.ts';
import type { PublicKeys } from '../../keys/key-record.ts';
import { requireKey, requireVersion } from '../../keys/keyring.ts';
import { destroyLogKeys, importLogKeys } from '../../storage/custody-keys.ts';
import type { Attesting } from '../admin-ports.ts';
import { actorOf, admitted, authorise, refuseAborted } from './authorise.ts';
import type { OpenHome } from './home.ts';
import { refuseVerifyOnly } from './home.ts';
import { readKeyObject } from './key-info.ts';
import type { KeyServices } from './keys.ts';

export interface Evidence {
  readonly class: string;
  /** The envelope file. */
  readonly file: Uint8Array;
  /** Lower hex. */
  readonly sha256: string;
  readonly issuedAt: string;
}

export const evidenceDigest = (evidence: Evidence): { readonly class: string; readonly evidence: string } => ({
  class: evidence.class,
  evidence: `sha256:${evidence.sha256}`,
});

/** `pub`: raw public keys by key member. */
export async function makeEvidence(home: OpenHome, build: string, kid: string, pub: PublicKeys): Promise<Evidence> {
  const issuedAt = home.judged().now.wall;
  const payload = attestationPayload({
    build,
    class: SOFTWARE_CLASS,
    kid,
    pub,
    store_id: home.store.storeId,
    ts: issuedAt,
  });
  const item = await home.store.read('log-keys');
  const keys = await importLogKeys(home.crypto, item);
  wipe(item.secret);
  try {
    const message = signedBytes({ payloadType: ATTESTATION_TYPE, payload });
    const file = envelopeFile({
      payloadType: ATTESTATION_TYPE,
      payload,
      signatures: [
        { keyid: 'log/ed25519', signature: await keys.current.ed25519.sign(message) },
        { keyid: 'log/ml-dsa-44', signature: await keys.current.mlDsa44.sign(message) },
      ],
    });
    return { class: SOFTWARE_CLASS, file, sha256: sha256Hex(file), issuedAt };
  } finally {
    destroyLogKeys(keys);
  }
}

export function attestingService(services: KeyServices, build: string): Attesting {
  return {
    attest: async (request, call) => {
      const id = requireKeyId(request.kid, 'kid');
      authorise(call, 'kms:rotate', id);
      const home = await services.open();
      refuseVerifyOnly(home.store);
      const reader = await services.reader();
      const key = requireKey(home.store.view, id);
      const version = requireVersion(key, id);
      const kid = withVersion(key.kid, version.n);
      const object =
        readKeyObject(home.crypto, { ...reader, keyFile: (name) => home.store.keyFile(name) }, key.kid, version) ??
        fail('NotAuthenticated', `the key object of ${kid} is missing from store/keys`);
      refuseAborted(call);
      return admitted(call, 'mutate', id.tenant, async () => {
        const evidence = await makeEvidence(home, build, kid, object.pub);
        const answer = {
          kid,
          attestation: { class: evidence.class, evidence: fromUtf8(evidence.file) },
          issued_at: evidence.issuedAt,
          op_id: call.opId,
        };
        if (call.dryRun === true) return { ...answer, audit: null };
        const [record] = await home.store.append([
          {
            op: 'attest',
            op_id: call.opId,
            actor: actorOf(call),
            tenant: id.tenant,
            kid,
            purpose: id.purpose,
            result: 'ok',
            attestation: evidenceDigest(evidence),
            detail: { class: evidence.class, evidence_sha256: evidence.sha256 },
          },
        ]);
        return { ...answer, audit: record === undefined ? null : { origin: home.store.origin, index: record.seq } };
      });
    },
  };
}
