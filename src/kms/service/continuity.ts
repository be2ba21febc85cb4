// The verdict on a continuity statement (keys page 9, R-39). `valid` needs every signature, the statement that the rotate
// record names, and that record proved by inclusion with the same digests; without the proof `inconclusive`; another
// successor of the same version is `tampered`, with both statements. Attack: whoever stole the old key, which is why one
// rotates, issues a continuity to his own `#v2`.

import type { Crypto } from '../../crypto/provider.ts';
import { envelopeDigest } from '../../envelope/dsse.ts';
import { fail } from '../../errors.ts';
import type { LogPlace } from '../../keys/acceptance.ts';
import { type Continuity, continuityDefect, isServiceOnly, parseContinuity } from '../../keys/continuity.ts';
import { requireKeyId, requireVersionedKeyId, withVersion } from '../../keys/key-id.ts';
import { keyFileName, pubDigests, sameDigests } from '../../keys/key-object.ts';
import { headOf, requireKey, requireVersion } from '../../keys/keyring.ts';
import type { PublicKeyEntry, PublicVersion } from '../../keys/public-view.ts';
import type { ContinuityRequest, ContinuityResult } from '../ports.ts';
import type { KeyReader, ProvenLog } from './reader.ts';

type Verdict = Pick<ContinuityResult, 'verdict' | 'reason' | 'other_digest'>;

const tampered = (reason: string): Verdict => ({ verdict: 'tampered', reason });
const inconclusive = (reason: string): Verdict => ({ verdict: 'inconclusive', reason });

/** The record that made a version, whichever epoch its seq belongs to. */
function rotateRecord(log: ProvenLog, kid: string, version: PublicVersion, digest: string): boolean {
  for (let epoch = log.epoch; epoch >= 0; epoch--) {
    const place: LogPlace = { epoch, seq: version.created_seq };
    const record = log.record(place);
    if (record === null || record.op !== 'rotate' || record.result !== 'ok') continue;
    if (record.kid !== withVersion(kid, version.n) || record.detail?.['continuity'] !== digest) continue;
    const pub = record.detail['pub'];
    if (pub !== null && typeof pub === 'object' && sameDigests(pub as Record<string, string>, version.pub)) return true;
  }
  return false;
}

/** The executed key-compromised that a statement without old signatures appeals to. */
function compromiseIsLogged(log: ProvenLog, kid: string, digest: string): boolean {
  for (const { record } of log.find('compromised')) {
    if (record.kid?.split('#')[0] === kid && record.detail?.['proposal_digest'] === digest) return true;
  }
  return false;
}

function judgeAgainst(
  reader: KeyReader,
  statement: Continuity,
  digest: string,
  key: PublicKeyEntry,
  from: PublicVersion,
  to: PublicVersion,
): Verdict {
  if (to.continuity !== digest) {
    const other = to.continuity ?? null;
    return {
      ...tampered(`the log names another successor of ${statement.old.kid}`),
      ...(other === null ? {} : { other_digest: other }),
    };
  }
  const ledger = reader.policy.ledgerId ?? reader.storeId;
  if (statement.ledger_id !== ledger && statement.ledger_id !== reader.storeId) {
    return tampered(`the statement belongs to ${statement.ledger_id}, not to ${ledger}`);
  }
  if (!sameDigests(pubDigests(statement.old.pub), from.pub))
    return tampered('the old public keys are not those of the key');
  if (!sameDigests(pubDigests(statement.new.pub), to.pub))
    return tampered('the new public keys are not those of the key');
  if (from.from_seq === undefined && statement.proposal_digest !== undefined) {
    return tampered('the old version was not compromised, so its signatures must be there');
  }
  if (reader.trust === 'not-authenticated') return inconclusive('public.json is not covered by a verified checkpoint');
  if (reader.log === null) return inconclusive('the log with the rotate record is not reachable');
  if (statement.proposal_digest !== undefined && !compromiseIsLogged(reader.log, key.kid, statement.proposal_digest)) {
    return inconclusive('the log does not show the execution of the key-compromised that the statement names');
  }
  if (!rotateRecord(reader.log, key.kid, to, digest)) {
    return inconclusive('the rotate record is not proved by a verified checkpoint');
  }
  return { verdict: 'valid' };
}

/** Throws NotFound (key, version, or a first version without predecessor), Malformed (the statement). */
export function judgeContinuity(crypto: Crypto, reader: KeyReader, request: ContinuityRequest): ContinuityResult {
  const id = requireKeyId(request.kid, 'kid');
  const key = requireKey(reader.view, id);
  const to = id.version === null ? headOf(key) : requireVersion(key, id);
  const kid = withVersion(key.kid, to.n);
  if (to.n === 1) {
    fail('NotFound', `${kid} is the first version and has no predecessor`, {
      hint: `Run \`ronctl kms show ${key.kid}\`.`,
    });
  }
  const from = requireVersion(key, { ...id, version: to.n - 1 });
  const name = keyFileName(kid, 'cont');
  const bytes = request.statement ?? reader.keyFile(name);
  const common = { old_kid: withVersion(key.kid, from.n), new_kid: kid, trust: reader.trust };
  if (bytes === null) {
    const attested = reader.view.keys.length > 0 && to.suite !== undefined ? 'service' : 'keys and service';
    const reason = `the continuity statement store/keys/${name} is missing`;
    return { ...common, verdict: 'inconclusive', attested_by: attested, digest: to.continuity ?? '', reason };
  }
  const { envelope, continuity } = parseContinuity(bytes, 'the continuity statement');
  const digest = envelopeDigest(envelope);
  const answer = {
    ...common,
    attested_by: isServiceOnly(continuity) ? ('service' as const) : ('keys and service' as const),
    digest,
  };
  if (requireVersionedKeyId(continuity.new.kid, 'new.kid').kid !== key.kid || continuity.new.kid !== kid) {
    return { ...answer, ...tampered(`the statement is about ${continuity.new.kid}, not about ${kid}`) };
  }
  const defect = continuityDefect(crypto, envelope, continuity, reader.serviceKeys);
  if (defect !== null) return { ...answer, ...tampered(defect) };
  return { ...answer, ...judgeAgainst(reader, continuity, digest, key, from, to) };
}
