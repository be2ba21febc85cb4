// The effects of governed actions on the custody store (governance page 6, 10): each is one mutation under the op_id of the
// plan, so that the log says after a crash whether it happened. Actions that only change the governed state (signer set,
// ceiling, exception, envelope, clock) commit their audit record; what they change is read from the ledger.

import type { AuditOp } from '../../audit/draft.ts';
import { fromBase64Url, toBase64Url } from '../../bytes/base64.ts';
import { canonicalBytes, canonicalText } from '../../bytes/canonical-json.ts';
import { wipe } from '../../bytes/wipe.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { formatVkey, NOTE_TYPES } from '../../envelope/note.ts';
import { RonError } from '../../errors.ts';
import type { Action } from '../../governance/actions.ts';
import type { Intent } from '../../governance/ledger.ts';
import type { LogKeys, PublicKeys } from '../../governance/names.ts';
import type { CustodyStore, Mutation, SealedPut } from '../../storage/custody-port.ts';
import { decodeKeyRecord, encodeKeyRecord } from '../../storage/custody-record.ts';
import { compromiseMutation, retireMutation } from './key-effects.ts';

export interface EffectInput {
  readonly store: CustodyStore;
  readonly crypto: Crypto;
  readonly intent: Pick<Intent, 'proposal_digest' | 'plan'>;
  readonly action: Action;
  readonly actor: string;
}

const SERVICE = ['ed25519', 'ml_dsa_65'] as const;
const LOG = ['ed25519', 'ml_dsa_44'] as const;
const ALG = { ed25519: 'ed25519', ml_dsa_65: 'ml-dsa', ml_dsa_44: 'ml-dsa-44' } as const;

/** The mutation of effect 0 of an action. Throws when it is impossible; `dry` callers use it to judge before the intent. */
export async function effectMutation(input: EffectInput): Promise<Mutation> {
  const { action, intent, store, crypto, actor } = input;
  const { op_id: opId, n } = intent.plan[0]!;
  const context = { proposalDigest: intent.proposal_digest, n, opId, actor };
  switch (action.name) {
    case 'key-retire':
      return retireMutation(crypto, store, action.kid, context);
    case 'key-compromised':
      return compromiseMutation(crypto, store, action.kid, { fromSeq: action.from_seq, epoch: action.epoch }, context);
    case 'root-rotate':
      return { rotateRoot: true, audit: audit('root-rotate', input) };
    case 'service-key-rotate':
      return {
        puts: [await promote(input, 'service-keys', action.new_keys)],
        audit: audit('service-key-rotate', input),
      };
    case 'log-key-rotate':
      return {
        puts: [await promote(input, 'log-keys', action.new_keys)],
        audit: withVkeys(input, action.new_keys),
      };
    case 'signer-set-change':
    case 'exception':
    case 'ceiling':
    case 'envelope':
    case 'clock-reset':
      return { audit: audit(action.name, input) };
    case 'restore-accept':
      throw new RonError('Conflict', 'a new epoch is opened once, by a store that was restored', {
        field: 'actions[0].name',
      });
    default:
      throw new RonError('Unsupported', `this version does not carry out ${action.name}`, { field: 'actions[0].name' });
  }
}

function audit(op: AuditOp, { action, intent, actor }: EffectInput): Extract<Mutation['audit'], { op: AuditOp }> {
  const { op_id, n } = intent.plan[0]!;
  const args = `sha256:${sha256Hex(canonicalBytes(action))}`;
  return { op, op_id, actor, result: 'ok', detail: { proposal_digest: intent.proposal_digest, n, args } };
}

/** The record of a log-key rotation names the new verifier keys. */
function withVkeys(input: EffectInput, keys: LogKeys): ReturnType<typeof audit> {
  const draft = audit('log-key-rotate', input);
  const { origin } = input.store;
  const vkeys = [
    formatVkey(origin, NOTE_TYPES.ed25519, fromBase64Url(keys.ed25519)!),
    formatVkey(origin, NOTE_TYPES.mlDsa44Cosignature, fromBase64Url(keys.ml_dsa_44)!),
  ];
  return { ...draft, detail: { ...draft.detail, vkeys } };
}

type Member = keyof typeof ALG;

export type KeyRecord = 'service-keys' | 'log-keys';

export const membersOf = (which: KeyRecord): readonly Member[] => (which === 'service-keys' ? SERVICE : LOG);

/** A fresh pair: its public halves, and the secrets by member. The caller wipes them. */
export async function freshPair(
  crypto: Crypto,
  which: KeyRecord,
): Promise<{ readonly keys: PublicKeys | LogKeys; readonly parts: readonly (readonly [Member, Uint8Array])[] }> {
  const parts: [Member, Uint8Array][] = [];
  for (const member of membersOf(which)) parts.push([member, await crypto.signature(ALG[member]).generate()]);
  return { keys: await publicKeysOf(crypto, new Map(parts), which), parts };
}

/** Public halves of `<prefix><member>`; a member that is not there is left out. */
export async function publicKeysOf(
  crypto: Crypto,
  parts: ReadonlyMap<string, Uint8Array>,
  which: KeyRecord,
  prefix = '',
): Promise<PublicKeys | LogKeys> {
  const keys: Record<string, string> = {};
  for (const member of membersOf(which)) {
    const secret = parts.get(`${prefix}${member}`);
    if (secret === undefined) continue;
    const imported = await crypto.signature(ALG[member]).importSecret(secret);
    keys[member] = toBase64Url(imported.publicKey);
    imported.destroy();
  }
  return keys as unknown as PublicKeys | LogKeys;
}

/** Makes the next pair, waiting beside the current one; returns the public halves. Replaces an earlier next pair. */
export async function nextKeys(
  store: CustodyStore,
  crypto: Crypto,
  which: KeyRecord,
): Promise<{ readonly put: SealedPut; readonly keys: PublicKeys | LogKeys }> {
  const parts = await readParts(store, which);
  const kept = [...parts].filter(([name]) => !name.startsWith('next_'));
  const fresh = await freshPair(crypto, which);
  const next = fresh.parts.map(([member, secret]) => [`next_${member}`, secret] as const);
  const record = encodeKeyRecord([...kept, ...next]);
  wipe(...parts.values(), ...next.map(([, secret]) => secret));
  return { put: { id: which, type: which, ...record }, keys: fresh.keys };
}

async function readParts(store: CustodyStore, which: KeyRecord): Promise<ReadonlyMap<string, Uint8Array>> {
  const item = await store.read(which);
  try {
    return decodeKeyRecord(item.meta, item.secret, which);
  } finally {
    wipe(item.secret);
  }
}

/** The record with the next pair in force; `Conflict` when the waiting pair is not the approved one. */
async function promote(
  { store, crypto }: EffectInput,
  which: KeyRecord,
  approved: PublicKeys | LogKeys,
): Promise<SealedPut> {
  const parts = await readParts(store, which);
  if (canonicalText(await publicKeysOf(crypto, parts, which, 'next_')) !== canonicalText(approved)) {
    wipe(...parts.values());
    throw new RonError('Conflict', `the approved new ${which} are not the ones that wait in this store`, {
      field: 'actions[0].new_keys',
      hint: 'Propose the rotation again on this machine.',
    });
  }
  const named = (name: (member: Member) => string, from: (member: Member) => string) =>
    membersOf(which).map((member) => [name(member), parts.get(from(member))!] as const);
  const next = named(
    (member) => member,
    (member) => `next_${member}`,
  );
  const previous = named(
    (member) => `previous_${member}`,
    (member) => member,
  );
  const record = encodeKeyRecord([...next, ...previous]);
  wipe(...parts.values());
  return { id: which, type: which, ...record };
}
