// The effects of governed actions on the custody store (governance page 6, 10): each is one mutation under the op_id of the
// plan, so that the log says after a crash whether it happened. Actions that only change the governed state (signer set,
// ceiling, exception, envelope, clock) commit their audit record; what they change is read from the ledger.

import type { AuditOp } from '../../audit/draft.ts';
import { fromBase64Url, toBase64Url } from '../../bytes/base64.ts';
import { canonicalBytes } from '../../bytes/canonical-json.ts';
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
        puts: [await promote(input, 'service-keys', SERVICE, action.new_keys)],
        audit: audit('service-key-rotate', input),
      };
    case 'log-key-rotate':
      return {
        puts: [await promote(input, 'log-keys', LOG, action.new_keys)],
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

/** Makes the next pair, waiting beside the current one; returns the public halves. Replaces an earlier next pair. */
export async function nextKeys(
  store: CustodyStore,
  crypto: Crypto,
  which: 'service-keys' | 'log-keys',
): Promise<{ readonly put: SealedPut; readonly keys: PublicKeys | LogKeys }> {
  const members: readonly Member[] = which === 'service-keys' ? SERVICE : LOG;
  const parts = await readParts(store, which);
  const kept = [...parts].filter(([name]) => !name.startsWith('next_'));
  const keys: Record<string, string> = {};
  const fresh: [string, Uint8Array][] = [];
  for (const member of members) {
    const scheme = crypto.signature(ALG[member]);
    const secret = await scheme.generate();
    const imported = await scheme.importSecret(secret);
    keys[member] = toBase64Url(imported.publicKey);
    imported.destroy();
    fresh.push([`next_${member}`, secret]);
  }
  const record = encodeKeyRecord([...kept, ...fresh]);
  wipe(...parts.values(), ...fresh.map(([, secret]) => secret));
  return { put: { id: which, type: which, ...record }, keys: keys as unknown as PublicKeys | LogKeys };
}

async function readParts(
  store: CustodyStore,
  which: 'service-keys' | 'log-keys',
): Promise<ReadonlyMap<string, Uint8Array>> {
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
  which: 'service-keys' | 'log-keys',
  members: readonly Member[],
  approved: PublicKeys | LogKeys,
): Promise<SealedPut> {
  const parts = await readParts(store, which);
  const next: [string, Uint8Array][] = [];
  for (const member of members) {
    const secret = parts.get(`next_${member}`);
    const key = secret === undefined ? null : await crypto.signature(ALG[member]).importSecret(secret);
    const publicKey = key === null ? null : toBase64Url(key.publicKey);
    key?.destroy();
    if (secret === undefined || publicKey !== (approved as unknown as Record<string, string>)[member]) {
      wipe(...parts.values());
      throw new RonError('Conflict', `the approved new ${which} are not the ones that wait in this store`, {
        field: 'actions[0].new_keys',
        hint: 'Propose the rotation again on this machine.',
      });
    }
    next.push([member, secret]);
  }
  const previous: [string, Uint8Array][] = members.map((member) => [`previous_${member}`, parts.get(member)!]);
  const record = encodeKeyRecord([...next, ...previous]);
  wipe(...parts.values());
  return { id: which, type: which, ...record };
}
