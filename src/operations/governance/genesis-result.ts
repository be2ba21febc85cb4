// What is said of a genesis, drafted or adopted (governance page 3): who stands in it, in which role, and who has signed.

import type { Crypto } from '../../crypto/provider.ts';
import { type Envelope, envelopeDigest } from '../../envelope/dsse.ts';
import { fingerprintWords } from '../../envelope/fingerprint.ts';
import { type Genesis, genesisSignatures } from '../../governance/genesis.ts';

export interface GenesisMember {
  readonly id: string;
  readonly role: string;
  readonly signed: boolean;
}

export interface GenesisResult {
  readonly status: 'draft' | 'adopted';
  readonly ledger_id: string;
  readonly name: string;
  readonly profile: string;
  readonly store_id: string;
  readonly genesis_digest: string;
  readonly words: readonly string[];
  readonly threshold: number;
  readonly members: readonly GenesisMember[];
  readonly auditor: GenesisMember | null;
  readonly supersedes: string | null;
  readonly missing: readonly string[];
  readonly created_at: string;
}

export interface GenesisOutcome {
  readonly result: GenesisResult;
  /** The draft file, or the adopted genesis. */
  readonly file: Uint8Array;
}

export function genesisResult(
  crypto: Crypto,
  envelope: Envelope,
  genesis: Genesis,
  status: GenesisResult['status'],
): GenesisResult {
  const { signed, missing } = genesisSignatures(crypto, envelope, genesis);
  const digest = envelopeDigest(envelope);
  const has = (id: string): boolean => signed.includes(id);
  return {
    status,
    ledger_id: genesis.ledger_id,
    name: genesis.name,
    profile: genesis.profile,
    store_id: genesis.store_id,
    genesis_digest: digest,
    words: fingerprintWords(digest),
    threshold: genesis.threshold,
    members: genesis.members.map(({ id, role }) => ({ id, role, signed: has(id) })),
    auditor:
      genesis.auditor === undefined
        ? null
        : { id: genesis.auditor.id, role: 'external-auditor', signed: has(genesis.auditor.id) },
    supersedes: genesis.supersedes?.ledger_id ?? null,
    missing,
    created_at: genesis.created_at,
  };
}
