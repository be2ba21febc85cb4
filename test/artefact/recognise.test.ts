import { beforeAll, describe, expect, it } from 'vitest';
import { ARTEFACT_KINDS, type Artefact, type KnownKey, verdictOf } from '../../src/artefact/artefact.ts';
import { keysFromFile, recognise } from '../../src/artefact/recognise.ts';
import { openSegment } from '../../src/artefact/segment.ts';
import { formatTlogProof, parseTlogProof } from '../../src/audit/tlog-proof.ts';
import { formatWitnessRequest } from '../../src/audit/witness-request.ts';
import { canonicalFile, canonicalText, parseCanonicalFile } from '../../src/bytes/canonical-json.ts';
import { fromUtf8, utf8 } from '../../src/bytes/text.ts';
import { attenuate } from '../../src/capability/token.ts';
import { fingerprintWords } from '../../src/envelope/fingerprint.ts';
import { RonError } from '../../src/errors.ts';
import { type ArtefactFiles, crypto, KID, makeArtefacts } from '../support/artefacts.ts';
import { refusal } from '../support/refusal.ts';

let made: ArtefactFiles;
beforeAll(async () => {
  made = await makeArtefacts();
});

type FileName = keyof ArtefactFiles['files'];

function segment(bytes: Uint8Array, keys: readonly KnownKey[] = []): Artefact | null {
  const end = bytes.indexOf(0x0a);
  const reader = end < 0 ? null : openSegment(crypto, bytes.subarray(0, end), keys);
  if (reader === null) return null;
  let from = 0;
  for (let lf = end; lf >= 0; lf = bytes.indexOf(0x0a, from)) {
    reader.push(bytes.subarray(from, lf));
    from = lf + 1;
  }
  return reader.end(bytes.length - from);
}

const explain = (bytes: Uint8Array, keys: readonly KnownKey[] = []): Artefact | null =>
  segment(bytes, keys) ?? recognise(crypto, bytes, keys);

const EXPECTED: Readonly<Record<FileName, ReturnType<typeof verdictOf>>> = {
  genesis: 'nothing invalid',
  'genesis draft': 'nothing invalid',
  proposal: 'key unknown',
  statement: 'key unknown',
  possession: 'nothing invalid',
  receipt: 'key unknown',
  'signer bundle': 'nothing invalid',
  draft: 'nothing invalid',
  request: 'nothing invalid',
  proof: 'nothing invalid',
  evidence: 'key unknown',
  'roll-call': 'key unknown',
  dispute: 'key unknown',
  checkpoint: 'key unknown',
  'tlog-proof': 'key unknown',
  'sealed record': 'nothing invalid',
  'key object': 'key unknown',
  attestation: 'key unknown',
  continuity: 'key unknown',
  'signature bundle': 'key unknown',
  'wrap envelope': 'nothing invalid',
  capability: 'nothing invalid',
  'audit segment': 'nothing invalid',
  'ledger segment': 'nothing invalid',
};

describe('recognise', () => {
  it.each(Object.entries(EXPECTED))('knows a %s: %s', (name, verdict) => {
    const found = explain(made.files[name as FileName]);
    expect(found?.kind).toBe(name);
    expect(found?.version).toBe(1);
    expect(found === null ? null : verdictOf(found)).toBe(verdict);
    expect(found?.members.length).toBeGreaterThan(0);
    expect(found?.unchecked.length).toBeGreaterThan(0);
  });

  const STATE: Readonly<Record<string, object>> = {
    'home description': { format: 'ronctl-home/1', home_id: 'x' },
    'file list': { format: 'ronctl-evidence/1', files: {} },
    'public view': { v: 1, store_id: 'x', ledger_id: null, generation: 1, keys: [], ledger: null, policy: null },
    'log description': { v: 1, store_id: 'x', base: 'y', service_keys: {}, epochs: [] },
    pin: { genesis_digest: 'x', name: 'main', pinned_at: 'y' },
    'ledger state': { v: 1, ledger_id: 'x', seq: 1, hash: 'y', policy: {}, overlays: [], index: {} },
  };

  it.each(Object.entries(STATE))('knows a %s', (kind, value) => {
    const found = explain(canonicalFile(value))!;
    expect([found.kind, verdictOf(found)]).toEqual([kind, 'nothing invalid']);
    expect(refusal(() => explain(utf8(`${JSON.stringify(value, null, 1)}\n`))).code).toBe('Malformed');
  });

  it('judges a checkpoint list line by line', () => {
    const line = canonicalText({ size: 3, note_b64: Buffer.from(made.files.checkpoint).toString('base64') });
    const keys = keysFromFile(crypto, made.logFile, 'log.json');
    const found = explain(utf8(`${line}\n`), keys)!;
    expect([found.kind, verdictOf(found), found.signatures.length]).toEqual(['checkpoint list', 'nothing invalid', 2]);
    const twice = explain(utf8(`${line}\n${line}\n`), keys)!;
    expect(twice.checks).toEqual([{ what: 'line 1', ok: false, found: 'size: after a checkpoint of size 3' }]);
    const other = explain(utf8(`${line.replace('"size":3', '"size":4')}\n`), keys)!;
    expect(other.checks).toEqual([{ what: 'line 0', ok: false, found: 'size: the note says 3' }]);
  });

  it('knows every kind that it claims to know', () => {
    expect([...Object.keys(EXPECTED), ...Object.keys(STATE), 'checkpoint list', 'consistency proof'].sort()).toEqual(
      Object.keys(ARTEFACT_KINDS).sort(),
    );
  });

  it('judges with the keys of a genesis given beside', () => {
    const keys = keysFromFile(crypto, made.files.genesis, 'genesis.json');
    for (const name of [
      'proposal',
      'statement',
      'receipt',
      'evidence',
      'roll-call',
      'dispute',
      'checkpoint',
      'tlog-proof',
      'key object',
      'attestation',
      'continuity',
    ] as const) {
      const found = explain(made.files[name], keys)!;
      expect([name, verdictOf(found), found.checks.filter((one) => !one.ok)]).toEqual([name, 'nothing invalid', []]);
    }
  });

  it('judges a checkpoint and a key object with the keys of audit/log.json', () => {
    const keys = keysFromFile(crypto, made.logFile, 'log.json');
    expect(verdictOf(explain(made.files.checkpoint, keys)!)).toBe('nothing invalid');
    expect(verdictOf(explain(made.kemObject, keys)!)).toBe('nothing invalid');
    expect(verdictOf(explain(made.files.attestation, keys)!)).toBe('nothing invalid');
  });

  it('judges a signature bundle with the key object of its version', () => {
    const keys = keysFromFile(crypto, made.files['key object'], 'key.json');
    const found = explain(made.files['signature bundle'], keys)!;
    expect(found.signatures.map((one) => [one.keyid, one.verdict])).toEqual([
      [`${KID}#v1/ed25519`, 'valid'],
      [`${KID}#v1/ml-dsa`, 'valid'],
    ]);
  });

  it('does not judge a signer-set change by the keys that it proposes itself', () => {
    const found = explain(made.signerSetChange)!;
    expect(found.kind).toBe('proposal');
    expect(found.signatures.map((one) => one.verdict)).toEqual(['key unknown', 'key unknown']);
    const known = explain(made.signerSetChange, keysFromFile(crypto, made.files.genesis, 'genesis.json'))!;
    expect(known.signatures.map((one) => [one.verdict, one.key_from])).toEqual([
      ['valid', `genesis ${made.ledgerId}`],
      ['valid', `genesis ${made.ledgerId}`],
    ]);
  });

  it('prints digest and words of the bundle, genesis and proposal', () => {
    for (const name of ['genesis', 'genesis draft', 'signer bundle', 'proposal', 'request'] as const) {
      const { digest, words } = explain(made.files[name])!;
      expect(words).toEqual(fingerprintWords(digest!));
    }
    expect(explain(made.files.genesis)!.digest).toBe(explain(made.files['genesis draft'])!.digest);
  });

  it('says of a genesis draft whose signatures are missing', () => {
    const found = explain(made.files['genesis draft'])!;
    expect(found.unchecked[0]).toBe(
      'signatures still missing: carol/ed25519, carol/ml-dsa, dora/ed25519, dora/ml-dsa, service/ed25519, service/ml-dsa, log/ed25519, log/ml-dsa-44',
    );
  });

  it('shows a long public key by length and hash, and a short one in full', () => {
    const { members } = explain(made.files['signer bundle'])!;
    const of = (name: string): string | undefined => members.find((one) => one.name === name)?.value;
    expect(of('keys.ml_dsa_65')).toMatch(/^1952 bytes, SHA-256 [0-9a-f]{64}$/);
    expect(of('keys.ed25519')).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('shows the clear header of a root record', () => {
    const found = explain(made.rootRecord)!;
    expect(found.kind).toBe('sealed record');
    const names = found.members.map((one) => one.name);
    expect(names).toEqual(expect.arrayContaining(['record_type', 'kdf.alg', 'kdf.m_kib', 'kcv', 'ciphertext']));
  });

  it.each([
    '',
    'hello\n',
    '{}\n',
    '{"type":"x"}\n',
    '{"payload":"","payloadType":"text/plain","signatures":[]}\n',
    '[1]\n',
  ])('does not claim %j', (text) => {
    expect(explain(utf8(text))).toBeNull();
  });
});

interface EnvelopeText {
  payload: string;
  signatures: { keyid: string; sig: string }[];
}

const vary = (bytes: Uint8Array, change: (envelope: EnvelopeText) => void): Uint8Array => {
  const value = structuredClone(parseCanonicalFile(bytes, 'test')) as unknown as EnvelopeText;
  change(value);
  return canonicalFile(value);
};

describe('damage', () => {
  it('takes no evidence file with a changed byte for whole', () => {
    const bytes = made.files.attestation;
    const keys = keysFromFile(crypto, made.logFile, 'log.json');
    const outcomes = new Map<string, number>();
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.with(at, bytes[at]! ^ (1 << (at % 7)));
      let outcome: string;
      try {
        const found = explain(changed, keys);
        outcome = found === null ? 'not ours' : verdictOf(found);
      } catch (error) {
        outcome = error instanceof RonError ? error.code : String(error);
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes.keys()].sort()).toEqual(['Malformed', 'NewerVersion', 'not ours', 'something invalid']);
    // Its payload and its signatures make up nearly all of it.
    expect(outcomes.get('something invalid')).toBeGreaterThan(bytes.length / 3);
  });

  it('finds a changed signature and names it', () => {
    const bytes = vary(made.files['signer bundle'], (envelope) => {
      const raw = Buffer.from(envelope.signatures[1]!.sig, 'base64');
      raw[100]! ^= 1;
      envelope.signatures[1]!.sig = raw.toString('base64');
    });
    const found = explain(bytes)!;
    expect(verdictOf(found)).toBe('something invalid');
    expect(found.signatures.filter((one) => one.verdict === 'invalid').map((one) => one.keyid)).toEqual(['eve/ml-dsa']);
  });

  it('finds a stripped half', () => {
    const bytes = vary(made.files['signer bundle'], (envelope) => {
      envelope.signatures = envelope.signatures.filter((one) => one.keyid !== 'eve/ml-dsa');
    });
    const found = explain(bytes)!;
    expect(found.signatures.every((one) => one.verdict === 'valid')).toBe(true);
    expect(found.checks).toContainEqual({
      what: 'every signature that it must have is there',
      ok: false,
      found: 'missing: eve/ml-dsa',
    });
    expect(verdictOf(found)).toBe('something invalid');
  });

  it('finds a signature of somebody who must not sign', () => {
    const foreign = (parseCanonicalFile(made.files.proposal, 'p') as unknown as EnvelopeText).signatures;
    const bytes = vary(made.files.statement, (envelope) => {
      envelope.signatures = [...foreign, ...envelope.signatures];
    });
    expect(explain(bytes)!.checks).toContainEqual({
      what: 'no other signature is there',
      ok: false,
      found: 'alice/ed25519, alice/ml-dsa',
    });
  });

  it('refuses a proposal whose content does not have its id', () => {
    const bytes = vary(made.files.proposal, (envelope) => {
      const text = Buffer.from(envelope.payload, 'base64').toString('utf8').replace('hybrid AND', 'hybrid OR!');
      envelope.payload = Buffer.from(text).toString('base64');
    });
    const error = refusal(() => explain(bytes));
    expect([error.code, error.field]).toEqual(['Malformed', 'id']);
  });

  it('refuses ours in a form that is not canonical, and says where', () => {
    const text = fromUtf8(made.files.statement)!.replace('{"payload"', '{ "payload"');
    expect(refusal(() => explain(utf8(text)))).toMatchObject({ code: 'Malformed' });
    expect(refusal(() => explain(utf8(text))).message).toContain('offset 1');
  });

  it('names an object of a newer version', () => {
    const text = fromUtf8(made.files.statement)!.replace('gov.statement.v1', 'gov.statement.v2');
    expect(refusal(() => explain(utf8(text))).code).toBe('NewerVersion');
  });

  it('finds a vote in a request that belongs to another proposal', () => {
    const request = structuredClone(parseCanonicalFile(made.files.request, 'r')) as unknown as {
      statements: EnvelopeText[];
    };
    const text = Buffer.from(request.statements[0]!.payload, 'base64').toString('utf8');
    request.statements[0]!.payload = Buffer.from(
      text.replace(/"proposal_digest":"sha256:[0-9a-f]{4}/, '"proposal_digest":"sha256:ffff'),
    ).toString('base64');
    const found = explain(canonicalFile(request))!;
    expect(found.checks).toContainEqual({
      what: 'every statement names this proposal',
      ok: false,
      found: '1 of 2 do not',
    });
    expect(found.signatures.filter((one) => one.verdict === 'invalid').map((one) => one.object)).toEqual([
      'statements[0]',
      'statements[0]',
    ]);
  });

  it('finds a checkpoint without its post-quantum half', () => {
    const text = fromUtf8(made.files.checkpoint)!;
    const stripped = utf8(`${text.split('\n').slice(0, 5).join('\n')}\n`);
    const found = explain(stripped, keysFromFile(crypto, made.files.genesis, 'genesis.json'))!;
    expect(found.signatures.map((one) => one.verdict)).toEqual(['valid']);
    expect(found.checks).toContainEqual({
      what: 'an ML-DSA-44 signature of the log is there',
      ok: false,
      found: 'missing',
    });
  });

  it('finds a tlog-proof of another record', () => {
    const proof = parseTlogProof(made.files['tlog-proof'], 'proof');
    const other = utf8(fromUtf8(proof.extra!)!.replace('"seq":2', '"seq":3'));
    const found = explain(formatTlogProof({ ...proof, extra: other }))!;
    expect(found.checks).toContainEqual({ what: 'the record is at this index of the signed tree', ok: false });
    expect(verdictOf(found)).toBe('something invalid');
  });

  it('knows a consistency proof, and one from a size above its checkpoint', () => {
    const keys = keysFromFile(crypto, made.logFile, 'log.json');
    const request = { oldSize: 2, proof: [new Uint8Array(32)], note: made.files.checkpoint };
    const found = explain(formatWitnessRequest(request), keys)!;
    expect([found.kind, verdictOf(found)]).toEqual(['consistency proof', 'nothing invalid']);
    expect(found.members.slice(0, 2).map((one) => one.value)).toEqual(['2', '1 hashes']);
    expect(found.unchecked[0]).toContain('--old');
    const above = explain(formatWitnessRequest({ ...request, oldSize: 4 }), keys)!;
    expect(above.checks).toContainEqual({ what: 'the older size is not above the checkpoint', ok: false });
    expect(refusal(() => explain(utf8('old 02\n\nx'))).code).toBe('Malformed');
  });

  it('finds a checkpoint over another size', () => {
    const text = fromUtf8(made.files.checkpoint)!.replace('\n3\n', '\n4\n');
    const found = explain(utf8(text), keysFromFile(crypto, made.files.genesis, 'genesis.json'))!;
    expect(found.signatures.map((one) => one.verdict)).toEqual(['invalid', 'invalid']);
  });

  it('finds a changed, a missing and a repeated audit record', () => {
    const lines = fromUtf8(made.files['audit segment'])!.trimEnd().split('\n');
    const checks = (changed: readonly string[]): (string | undefined)[] =>
      segment(utf8(`${changed.join('\n')}\n`))!
        .checks.filter((one) => !one.ok)
        .map((one) => one.what);
    expect(checks([lines[0]!.replace('"dev"', '"drill"'), lines[1]!, lines[2]!])).toEqual([
      'record 1: prev is the leaf hash of the record before',
    ]);
    expect(checks([lines[0]!, lines[2]!])).toEqual([
      'record 1: seq',
      'record 2: prev is the leaf hash of the record before',
    ]);
    expect(checks([lines[0]!, lines[1]!, lines[1]!])).toEqual([
      'record 2: seq',
      'record 1: prev is the leaf hash of the record before',
    ]);
  });

  it('finds a changed ledger line once, and judges the lines behind it', () => {
    const lines = fromUtf8(made.files['ledger segment'])!.trimEnd().split('\n');
    lines[2] = lines[2]!.replace('"ts":"2026', '"ts":"2025');
    const found = segment(utf8(`${lines.join('\n')}\n`))!;
    expect(found.checks).toEqual([
      { what: 'line 2', ok: false, found: 'hash: line 2 of the ledger does not have the hash that it states' },
    ]);
    expect(found.members).toContainEqual({ name: 'signatures', value: '18 valid, 0 invalid, 0 key unknown' });
  });

  it('judges every signature of a ledger, also of a line that was hashed again', () => {
    const whole = segment(made.files['ledger segment'])!;
    expect(whole.signatures).toEqual([]);
    expect(whole.members).toContainEqual({ name: 'signatures', value: '20 valid, 0 invalid, 0 key unknown' });

    const lines = fromUtf8(made.files['ledger segment'])!.trimEnd().split('\n');
    const { hash: _hash, ...line } = JSON.parse(lines[1]!) as { hash: string; body: EnvelopeText };
    const raw = Buffer.from(line.body.signatures[0]!.sig, 'base64');
    raw[1]! ^= 1;
    line.body.signatures[0]!.sig = raw.toString('base64');
    const hashed = canonicalText({ ...line, hash: made.digestOf('gov.ledger-line.v1', line) });
    const found = segment(utf8(`${lines[0]!}\n${hashed}\n`))!;
    expect(found.checks.every((one) => one.ok)).toBe(true);
    expect(found.signatures).toMatchObject([{ object: 'line 1', keyid: 'alice/ed25519', verdict: 'invalid' }]);
    expect(verdictOf(found)).toBe('something invalid');
  });

  it('mentions a torn last line', () => {
    const whole = made.files['audit segment'];
    const found = segment(whole.subarray(0, whole.length - 10))!;
    expect(found.unchecked[0]).toMatch(/^the last \d+ bytes have no line feed/);
    expect(verdictOf(found)).toBe('nothing invalid');
  });

  it('never takes a mangled byte for a whole bundle', () => {
    const bytes = made.files['signer bundle'];
    for (let index = 0; index < bytes.length; index += 131) {
      const mangled = bytes.slice();
      mangled[index]! ^= 4;
      let verdict: string;
      try {
        const found = explain(mangled);
        verdict = found === null ? 'not ours' : verdictOf(found);
      } catch (error) {
        if (!(error instanceof RonError)) throw error;
        verdict = error.code;
      }
      expect([index, verdict]).not.toEqual([index, 'nothing invalid']);
    }
  });

  it('refuses a cut sealed record and a wrap envelope of a suite that does not exist', () => {
    expect(refusal(() => explain(made.files['sealed record'].subarray(0, 30))).code).toBe('Tampered');
    const wrap = made.files['wrap envelope'].slice();
    wrap[5] = 9;
    expect(refusal(() => explain(wrap)).code).toBe('SuiteMismatch');
  });

  it('of a capability shows all but the token, and names a caveat that denies', () => {
    const token = fromUtf8(made.files.capability)!.trimEnd();
    const found = explain(made.files.capability)!;
    const shown = JSON.stringify(found);
    for (let at = 0; at + 24 <= token.length; at += 4) expect(shown).not.toContain(token.slice(at, at + 24));
    expect(found.members.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['id', 'root', 'sub', 'location', 'caveats[0]', 'caveats[2]']),
    );
    const contradicting = explain(utf8(attenuate(token, ['tenant = other'])))!;
    expect(verdictOf(contradicting)).toBe('something invalid');
    expect(refusal(() => explain(utf8(`${token.slice(0, -4)}\n`))).code).toBe('Malformed');
    expect(
      explain(utf8('AgETaHR0cDovL2V4YW1wbGUub3JnLwIFa2V5aWQAAAYgfN7nklEcW8b1KEhYBd_psk54XijiqZMB-dcRxgnjjvc')),
    ).toBeNull();
    expect(explain(utf8('Agreed\n'))).toBeNull();
  });
});
