// The published vectors of governance: what the product computes and refuses is what they say.

import { describe, expect, it } from 'vitest';
import { canonicalText, type JsonObject } from '../../src/bytes/canonical-json.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { envelopeDigest, parseEnvelope } from '../../src/envelope/dsse.ts';
import { RonError } from '../../src/errors.ts';
import { effectOpId } from '../../src/governance/execution-plan.ts';
import { genesisSet, verifyGenesis } from '../../src/governance/genesis.ts';
import { parseLine } from '../../src/governance/ledger.ts';
import type { PublicKeys } from '../../src/governance/names.ts';
import { verifyProposal } from '../../src/governance/proposal.ts';
import { tally } from '../../src/governance/quorum.ts';
import { verifyReceipt } from '../../src/governance/receipt.ts';
import { type Member, requiredRoles, type SignerSet, signerSetHash } from '../../src/governance/signer-set.ts';
import { type VerifiedStatement, verifyStatement } from '../../src/governance/statement.ts';
import { crypto } from '../support/governance.ts';
import { governanceSuites } from '../vectors/generate-governance.ts';
import { type Fields, formatSuite, type OwnVector, readSuite } from '../vectors/own-format.ts';

const text = (fields: Fields, name: string): string => String(fields[name]);
const envelopeOf = (fields: Fields) => parseEnvelope(utf8(text(fields, 'file')), 'vector');
const set: SignerSet = genesisSet(
  verifyGenesis(crypto, envelopeOf(readSuite('governance/genesis.json').vectors[0]!.in)).genesis,
);

function asks(name: string, compute: (fields: Fields) => Fields): void {
  describe(`governance/${name}.json`, () => {
    it.each(readSuite(`governance/${name}.json`).vectors.map((one) => [one.name, one] as const))(
      '%s',
      (_name, vector: OwnVector) => {
        if (vector.out !== undefined) {
          expect(compute(vector.in)).toMatchObject(vector.out);
          return;
        }
        let code: string | null = null;
        try {
          compute(vector.in);
        } catch (error) {
          code = error instanceof RonError ? error.code : String(error);
        }
        expect(code).toBe(vector.error);
      },
    );
  });
}

it('the files are what the generator makes', () => {
  for (const [path, suite] of governanceSuites()) expect(formatSuite(readSuite(path)), path).toBe(formatSuite(suite));
});

asks('genesis', (fields) => {
  const { genesis, digest } = verifyGenesis(crypto, envelopeOf(fields));
  return { ledger_id: genesis.ledger_id, digest };
});
asks('signer-set', (fields) => {
  const one = { ...(fields as unknown as SignerSet), auditor: null };
  return { hash: signerSetHash(one), required_roles: requiredRoles(one) };
});
asks('proposal', (fields) => {
  const { body, digest } = verifyProposal(crypto, envelopeOf(fields), set);
  return { id: body.id, digest };
});
asks('statement', (fields) => {
  const envelope = envelopeOf(fields);
  return { digest: verifyStatement(crypto, envelope, set, signerSetHash(set)).digest };
});
asks('effect', (fields) => ({ op_id: effectOpId(text(fields, 'proposal_digest'), Number(fields['n'])) }));
asks('receipt', (fields) => ({
  digest: verifyReceipt(crypto, envelopeOf(fields), fields['service'] as PublicKeys).digest,
}));
asks('ledger-line', (fields) => {
  const { seq } = JSON.parse(text(fields, 'line')) as { seq: number };
  const { type, hash } = parseLine(
    utf8(text(fields, 'line')),
    seq === 0 ? null : { seq: seq - 1, hash: text(fields, 'prev') },
  );
  return { seq, type, hash };
});
asks('quorum', (fields) => {
  const members = (fields['members'] as { id: string; role: Member['role'] }[]).map((one) => ({
    ...one,
    keys: set.members[0]!.keys,
  }));
  const one: SignerSet = { ...set, members, threshold: Number(fields['threshold']) };
  const statements = (fields['statements'] as string[]).map((said, index, all) => {
    const [purpose, signer, ref] = said.split(' ');
    const role = members.find((member) => member.id === signer)?.role ?? 'custodian';
    const refs = ref === undefined ? [] : [`digest of ${all[Number(ref)]}`];
    return {
      digest: `digest of ${said}`,
      body: { purpose, signer, role, refs },
      index,
    } as unknown as VerifiedStatement;
  });
  const verdict = tally(statements, one, text(fields, 'author'));
  return {
    approved: verdict.reached,
    approvals: verdict.approvals,
    unreachable: verdict.unreachable,
    withdrawn: verdict.withdrawn,
  };
});

it('a digest is of the payload, never of the envelope (hedged signatures would give one object two)', () => {
  const envelope = envelopeOf(readSuite('governance/proposal.json').vectors[0]!.in);
  const resigned = {
    ...envelope,
    signatures: envelope.signatures.map((one) => ({ ...one, signature: one.signature.map((byte) => byte ^ 1) })),
  };
  expect(envelopeDigest(resigned)).toBe(envelopeDigest(envelope));
  expect(canonicalText(JSON.parse(Buffer.from(envelope.payload).toString()) as JsonObject)).toBe(
    Buffer.from(envelope.payload).toString(),
  );
});
