// Names of governance (governance page 1, 2): ids of ledgers, proposals and signers, roles, scopes. An id is a digest of the
// content and is recomputed at every parse, so that an id can never come back with other content.

import { toBase32 } from '../bytes/base32.ts';
import { canonicalBytes } from '../bytes/canonical-json.ts';
import { bytesOf, type Decoder, malformed, object, string } from '../bytes/decode.ts';
import { fromHex } from '../bytes/hex.ts';
import { isEd25519PublicKey } from '../crypto/ed25519-rule.ts';
import { SIGNATURES } from '../crypto/suite.ts';
import { digestH, payloadType } from '../envelope/h.ts';

export type SigningRole = 'policy-owner' | 'security-officer' | 'custodian';
export const SIGNING_ROLES: readonly SigningRole[] = ['policy-owner', 'security-officer', 'custodian'];
/** Signs tie-breaks only; never a member. */
export const AUDITOR_ROLE = 'external-auditor';

/** Names that keyids give to keys of the service and of the log. */
export const RESERVED_IDS: readonly string[] = ['service', 'log', 'store'];

const SIGNER_ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;
export const PROPOSAL_ID = /^gp-[a-z2-7]{32}$/;
export const LEDGER_ID = /^(?:gl|drill)-[a-z2-7]{32}$/;
/** `global` or `tenant:<id>`. */
export const SCOPE = /^(?:global|tenant:[a-z0-9][a-z0-9._-]{0,63})$/;

export const isSignerId = (text: string): boolean => SIGNER_ID.test(text) && !RESERVED_IDS.includes(text);

export const signerId: Decoder<string> = (value, path) =>
  typeof value === 'string' && isSignerId(value)
    ? value
    : malformed(path, 'a signer id ([a-z0-9][a-z0-9._-]{0,63}, not service, log or store) is expected');
export const ledgerId = string({ pattern: LEDGER_ID, what: 'a ledger id' });
export const proposalId = string({ pattern: PROPOSAL_ID, what: 'a proposal id' });
export const scope = string({ pattern: SCOPE, what: '`global` or `tenant:<id>`' }) as Decoder<
  'global' | `tenant:${string}`
>;

const base64urlOf =
  (lengthBytes: number): Decoder<string> =>
  (value, path) => {
    bytesOf(lengthBytes)(value, path);
    return value as string;
  };

/** 16 random bytes. */
export const nonce = base64urlOf(16);

/** Public keys of a signer or of the service, as base64url. */
export interface PublicKeys {
  readonly ed25519: string;
  readonly ml_dsa_65: string;
}

export interface LogKeys {
  readonly ed25519: string;
  readonly ml_dsa_44: string;
}

/** Keys page 3: a key is judged when it is registered. Attack: under a small-order key one signature fits many messages. */
const ed25519Key: Decoder<string> = (value, path) => {
  const bytes = bytesOf(SIGNATURES.ed25519.publicBytes)(value, path);
  return isEd25519PublicKey(bytes) ? (value as string) : malformed(path, 'an Ed25519 public key is expected');
};

export const publicKeys: Decoder<PublicKeys> = object({
  ed25519: ed25519Key,
  ml_dsa_65: base64urlOf(SIGNATURES['ml-dsa'].publicBytes),
});

export const logKeys: Decoder<LogKeys> = object({
  ed25519: ed25519Key,
  ml_dsa_44: base64urlOf(SIGNATURES['ml-dsa-44'].publicBytes),
});

/** Base32 of the first 20 bytes of a `sha256:` digest. */
export function shortName(digest: string): string {
  return toBase32(fromHex(digest.slice('sha256:'.length))!.subarray(0, 20));
}

export const GENESIS_TYPE = payloadType('gov.genesis.v1');
export const PROPOSAL_TYPE = payloadType('gov.proposal.v1');
export const STATEMENT_TYPE = payloadType('gov.statement.v1');
export const POSSESSION_TYPE = payloadType('gov.possession.v1');
export const DISPUTE_TYPE = payloadType('gov.dispute.v1');
export const EXECUTION_TYPE = payloadType('gov.execution.v1');
export const DRAFT_TYPE = payloadType('gov.draft.v1');
export const REQUEST_TYPE = payloadType('gov.request.v1');
export const LEDGER_LINE_TYPE = payloadType('gov.ledger-line.v1');
export const SIGNER_SET_TYPE = payloadType('gov.signer-set.v1');

/** `ledger_id` of a genesis payload without that member. */
export function computeLedgerId(withoutId: { readonly profile: string }): string {
  const name = shortName(digestH(GENESIS_TYPE, canonicalBytes(withoutId)));
  return `${withoutId.profile === 'drill' ? 'drill' : 'gl'}-${name}`;
}

/** `id` of a proposal payload without that member. */
export function computeProposalId(withoutId: object): string {
  return `gp-${shortName(digestH(PROPOSAL_TYPE, canonicalBytes(withoutId)))}`;
}
