// Makes vectors/keys/*.json. Messages, envelopes and signatures are computed here from the text of the specification with
// the vector tool (noble, deterministic), not by the product; the tests compare. `node test/vectors/generate-keys.ts`, then
// `node test/vectors/generate-sums.ts`.

import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { toBase64, toBase64Url } from '../../src/bytes/base64.ts';
import { canonicalText, type Json } from '../../src/bytes/canonical-json.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { uuidV4, uuidV7 } from '../../src/bytes/uuid.ts';
import { blake3Hex } from '../../src/crypto/blake3.ts';
import { hpkeKeySchedule } from '../../src/crypto/hpke.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { AeadAlg, KemAlg } from '../../src/crypto/suite.ts';
import { type OwnSuite, type OwnVector, writeSuite } from './own-format.ts';
import { encapsulateWith, ML_DSA, RANDOMNESS_BYTES, seeded, signMlDsa, signSlhDsa, slhDsaSecret } from './tool.ts';

export const UUID_4 = uuidV4(seeded('kid v4', 16));
const UUID_7 = uuidV7(1_763_600_000_000, seeded('kid v7', 16));
const KID = `acme/release/ed25519/${UUID_7}`;
const KEM_KID = `acme/data/hybrid-kem/${UUID_4}`;
const B3 = blake3Hex(Buffer.from('hello world'));
const OTHER_B3 = blake3Hex(Buffer.from('another payload'));
const T1 = '2026-11-20T08:00:00.000Z';
const T2 = '2026-11-21T08:00:00.000Z';

function kidSuite(): OwnVector[] {
  const longest = `${'t'.repeat(64)}/${'p'.repeat(64)}/ed25519/${UUID_4}`;
  const good = [
    KID,
    `${KID}#v1`,
    `${KEM_KID}#v2147483648`,
    `a/0/slh-dsa/${UUID_4}#v10`,
    longest,
    `${longest.replace('ed25519', 'hybrid-kem')}#v2147483648`,
    `a.b_c-d/release/ml-kem/${UUID_4}`,
  ];
  const bad = [
    '',
    `ACME/release/ed25519/${UUID_7}`,
    `.acme/release/ed25519/${UUID_7}`,
    `acme//ed25519/${UUID_7}`,
    `acme/release/ed448/${UUID_7}`,
    `acme/release/ml-dsa-44/${UUID_7}`,
    `acme/release/ed25519/${UUID_7.toUpperCase()}`,
    `acme/release/ed25519/${UUID_7.replaceAll('-', '')}`,
    'acme/release/ed25519/c232ab00-9414-11ec-b3c8-9f6bdeced846',
    `${KID}/x`,
    `${KID}#1`,
    `${KID}#v0`,
    `${KID}#v01`,
    `${KID}#v2147483649`,
    `${KID}#v1#v1`,
    `${KID}#v`,
    `${KID} `,
    `_instance/release/ed25519/${UUID_7}`,
    `${'t'.repeat(65)}/release/ed25519/${UUID_7}`,
  ];
  return [
    ...good.map((text, index) => {
      const [kid, version] = text.split('#v') as [string, string | undefined];
      const [tenant, purpose, alg, uuid] = kid.split('/');
      const out = { kid, tenant, purpose, alg, uuid, version: version === undefined ? null : Number(version) };
      return {
        name: `accepted ${index}: ${text.slice(0, 90)}`,
        in: { text },
        out: { ...out, kid_hash: blake3Hex(Buffer.from(kid)).slice(0, 8) },
      };
    }),
    ...bad.map((text, index) => ({
      name: `refused ${index}: ${text.slice(0, 90)}`,
      in: { text },
      error: 'InvalidValue',
    })),
  ];
}

const message = (algs: string, kid: string, payloadB3: string): Uint8Array =>
  Buffer.concat([Buffer.from(`ron-kms/sign/v1\0${algs}\0${kid}\0`), Buffer.from(payloadB3, 'hex')]);

function messageSuite(): OwnVector[] {
  return ['ed25519', 'ml-dsa', 'ed25519+ml-dsa', 'slh-dsa'].map((algs) => ({
    name: algs,
    in: { algs: algs.split('+'), kid: `${KID}#v1`, payload_b3: B3 },
    out: { message: toHex(message(algs, `${KID}#v1`, B3)) },
  }));
}

interface Seeds {
  readonly ed25519: Uint8Array;
  readonly mlDsa: Uint8Array;
}

const seeds = (label: string): Seeds => ({
  ed25519: seeded(`${label} ed25519`, 32),
  mlDsa: seeded(`${label} ml-dsa`, 32),
});

const dualPub = (from: Seeds): { ed25519: Uint8Array; ml_dsa_65: Uint8Array } => ({
  ed25519: ed25519.getPublicKey(from.ed25519),
  ml_dsa_65: ML_DSA['ML-DSA-65'].keygen(from.mlDsa).publicKey,
});

const base64urls = (pub: Readonly<Record<string, Uint8Array>>): Record<string, string> =>
  Object.fromEntries(Object.entries(pub).map(([member, bytes]) => [member, toBase64Url(bytes)]));

interface Half {
  readonly alg: string;
  readonly signature_b64: string;
}

function dualHalves(from: Seeds, algs: string, kid: string, payloadB3: string): Half[] {
  const bytes = message(algs, kid, payloadB3);
  return [
    { alg: 'ed25519', signature_b64: toBase64(ed25519.sign(bytes, from.ed25519)) },
    { alg: 'ml-dsa', signature_b64: toBase64(signMlDsa('ML-DSA-65', from.mlDsa, bytes)) },
  ];
}

type Verdict = 'valid' | 'invalid' | 'malformed';

function bundleSuite(): OwnVector[] {
  const from = seeds('bundle');
  const pub = base64urls(dualPub(from));
  const slhSecret = slhDsaSecret(seeded('bundle slh-dsa', 48));
  const [classical, pq] = dualHalves(from, 'ed25519+ml-dsa', `${KID}#v1`, B3) as [Half, Half];
  const alone = dualHalves(from, 'ed25519', `${KID}#v1`, B3)[0]!;
  const pqAlone = dualHalves(from, 'ml-dsa', `${KID}#v1`, B3)[1]!;
  const second = dualHalves(from, 'ed25519+ml-dsa', `${KID}#v2`, B3);
  const slh = {
    alg: 'slh-dsa',
    signature_b64: toBase64(signSlhDsa(slhSecret, message('slh-dsa', `${KID}#v1`, B3))),
  };
  const zero = (length: number): string => toBase64(new Uint8Array(length));
  const notCanonical = (half: Half): Half => {
    const bytes = Buffer.from(half.signature_b64, 'base64').fill(0xff, 32);
    return { ...half, signature_b64: bytes.toString('base64') };
  };
  const two = ['ed25519', 'ml-dsa'];
  const cases: readonly [string, string[], readonly Half[], readonly Verdict[], string, object?][] = [
    ['both tracks', two, [classical, pq], ['valid', 'valid'], 'or and pq_only'],
    ['without its ML-DSA half', two, [classical], ['invalid'], ''],
    ['without its Ed25519 half', two, [pq], ['invalid'], ''],
    ['the halves of version 2', two, second, ['invalid', 'invalid'], ''],
    ['one half of version 2', two, [classical, second[1]!], ['valid', 'invalid'], 'or'],
    ['the other half of version 2', two, [second[0]!, pq], ['invalid', 'valid'], 'or pq_only'],
    ['another payload', two, [classical, pq], ['invalid', 'invalid'], '', { payload_b3: OTHER_B3 }],
    ['a short ML-DSA half', two, [classical, { ...pq, signature_b64: zero(3308) }], ['valid', 'malformed'], ''],
    [
      'an ML-DSA half of the old draft length',
      two,
      [classical, { ...pq, signature_b64: zero(3293) }],
      ['valid', 'malformed'],
      '',
    ],
    ['an Ed25519 half with S over L', two, [notCanonical(classical), pq], ['malformed', 'valid'], ''],
    [
      'a half of a track that the version does not have',
      two,
      [classical, pq, slh],
      ['invalid', 'invalid', 'malformed'],
      '',
    ],
    ['a classical version', ['ed25519'], [alone], ['valid'], 'or'],
    ['a classical version with the half of a hybrid bundle', ['ed25519'], [classical], ['invalid'], ''],
    ['a version with ML-DSA alone', ['ml-dsa'], [pqAlone], ['valid'], 'or and pq_only'],
    ['a version with SLH-DSA alone', ['slh-dsa'], [slh], ['valid'], 'or and pq_only'],
  ];
  const all: Record<string, string | undefined> = { ...pub, slh_dsa_sha2_128s: toBase64Url(slhSecret.slice(32)) };
  const members: Readonly<Record<string, string>> = {
    ed25519: 'ed25519',
    'ml-dsa': 'ml_dsa_65',
    'slh-dsa': 'slh_dsa_sha2_128s',
  };
  const vectors = cases.map(([name, tracks, sigs, verdicts, accepting, change]) => ({
    name,
    in: {
      tracks,
      pub: Object.fromEntries(tracks.map((track) => [members[track]!, all[members[track]!]])),
      bundle: { kid: `${KID}#v1`, payload_b3: B3, sigs },
      payload_b3: B3,
      ...change,
    },
    out: {
      signatures: sigs.map((one, index) => ({ alg: one.alg, verdict: verdicts[index] })),
      accepted_in: accepting === '' ? [] : accepting.split(' '),
    },
  }));
  const refused: readonly [string, unknown][] = [
    ['no signature', []],
    ['an unknown algorithm', [{ alg: 'ml-dsa-44', signature_b64: '' }]],
    ['a repeated algorithm', [alone, alone]],
    ['base64 without padding', [{ alg: 'ed25519', signature_b64: 'AAA' }]],
  ];
  return [
    ...vectors,
    ...refused.map(([name, sigs]) => ({
      name,
      in: { tracks: two, pub, bundle: { kid: `${KID}#v1`, payload_b3: B3, sigs }, payload_b3: B3 },
      error: 'Malformed',
    })),
  ];
}

const KEM: Readonly<Record<number, { kem: KemAlg; aead: AeadAlg; secretBytes: number }>> = {
  1: { kem: 'x-wing', aead: 'chacha20-poly1305', secretBytes: 32 },
  2: { kem: 'x-wing', aead: 'aes-256-gcm', secretBytes: 32 },
  3: { kem: 'x25519', aead: 'chacha20-poly1305', secretBytes: 32 },
  4: { kem: 'ml-kem', aead: 'chacha20-poly1305', secretBytes: 64 },
};

async function envelope(
  suite: number,
  kid: string,
  size: number,
): Promise<{ secret: Uint8Array; plaintext: Uint8Array; bytes: Uint8Array }> {
  const { kem, aead, secretBytes } = KEM[suite]!;
  const crypto = nobleCrypto();
  const secret = seeded(`wrap ${suite}`, secretBytes);
  const publicKey = await crypto.kem(kem).publicKey(secret);
  const { shared, ciphertext: enc } = encapsulateWith(
    kem,
    publicKey,
    seeded(`wrap randomness ${suite} ${size}`, RANDOMNESS_BYTES[kem]),
  );
  const kidBytes = Buffer.from(kid);
  const aad = Buffer.concat([Buffer.from('RONW'), Buffer.from([1, suite, 0, kidBytes.length]), kidBytes]);
  const { key, nonce } = hpkeKeySchedule({ kem, aead }, shared, Buffer.from(`ron-kms/wrap/v1\0${kid}`));
  const plaintext = seeded(`wrap plaintext ${suite}`, size);
  const ciphertext = crypto.aead(aead).seal(key, nonce, aad, plaintext);
  return { secret, plaintext, bytes: Buffer.concat([aad, enc, ciphertext]) };
}

async function wrapSuite(): Promise<OwnVector[]> {
  const vectors: OwnVector[] = [];
  const kid = `${KEM_KID}#v3`;
  for (const [suite, size] of [
    [1, 16],
    [1, 64],
    [2, 32],
    [3, 32],
    [4, 32],
  ] as const) {
    const made = await envelope(suite, kid, size);
    vectors.push({
      name: `suite ${suite}, ${size} bytes`,
      in: { secret: toHex(made.secret), envelope: toHex(made.bytes) },
      out: { kid, suite, plaintext: toHex(made.plaintext) },
    });
  }
  const made = await envelope(3, kid, 32);
  const enc = 8 + kid.length;
  const flip = (at: number, mask = 1): Uint8Array =>
    Uint8Array.from(made.bytes).fill(made.bytes[at]! ^ mask, at, at + 1);
  const refused: readonly [string, Uint8Array, string][] = [
    ['another magic', flip(0), 'Malformed'],
    ['format version 2', flip(4, 3), 'NewerVersion'],
    ['suite 0', flip(5, 3), 'SuiteMismatch'],
    ['suite 5', flip(5, 6), 'SuiteMismatch'],
    ['a longer kid than there is', flip(7, 0x80), 'Malformed'],
    ['a kid without version', flip(8 + kid.length - 3), 'Malformed'],
    ['one byte too many for 64', Buffer.concat([made.bytes, new Uint8Array(33)]), 'Malformed'],
    ['one byte too few for 16', made.bytes.slice(0, enc + 32 + 31), 'Malformed'],
    ['a changed encapsulation', flip(enc), 'UnwrapFailed'],
    ['a changed ciphertext', flip(enc + 32), 'UnwrapFailed'],
    ['a changed tag', flip(made.bytes.length - 1), 'UnwrapFailed'],
    ['a kid of another tenant', flip(8, 3), 'UnwrapFailed'],
    ['an all-zero X25519 point', Uint8Array.from(made.bytes).fill(0, enc, enc + 32), 'UnwrapFailed'],
  ];
  const secret = toHex(made.secret);
  for (const [name, bytes, error] of refused) vectors.push({ name, in: { secret, envelope: toHex(bytes) }, error });
  return vectors;
}

function recordSuite(): OwnVector[] {
  const from = seeds('record');
  const pub = base64urls(dualPub(from));
  const meta = {
    v: 1,
    kid: `${KID}#v1`,
    created_at: T1,
    tracks: ['ed25519', 'ml-dsa'],
    secrets: ['ed25519', 'ml_dsa_65'],
    pub,
  };
  const secret = toHex(Buffer.concat([from.ed25519, from.mlDsa]));
  const kid = `${KID}#v1`;
  const good = {
    secrets: { ed25519: toHex(from.ed25519), ml_dsa_65: toHex(from.mlDsa) },
    suite: null,
    rotate_days: null,
  };
  const bad = (name: string, change: Record<string, unknown>, bytes = secret): OwnVector => ({
    name,
    in: { kid, meta: { ...meta, ...change }, secret: bytes },
    error: 'Malformed',
  });
  return [
    { name: 'two tracks', in: { kid, meta, secret }, out: good },
    { name: 'with a hint', in: { kid, meta: { ...meta, rotate_days: 30 }, secret }, out: { ...good, rotate_days: 30 } },
    bad('another kid', { kid: `${KID}#v2` }),
    bad('secrets in another order', { secrets: ['ml_dsa_65', 'ed25519'] }),
    bad('one secret too few', { secrets: ['ed25519'] }),
    bad('a suite on a signing key', { suite: 1 }),
    bad('tracks that do not exist', { tracks: ['ed25519', 'ml-kem'] }),
    bad('an unknown member', { exportable: true }),
    bad('a missing public key', { pub: { ed25519: pub['ed25519'] } }),
    bad('a secret of 63 bytes', {}, secret.slice(2)),
  ];
}

interface Signer {
  readonly keyid: string;
  readonly from: Seeds;
}

/** A DSSE envelope as a file, every signer with both algorithms. */
function envelopeText(
  name: string,
  body: Json,
  signers: readonly Signer[],
  drop: readonly string[] = [],
): { file: string; digest: string } {
  const type = `application/vnd.ron.${name}+json`;
  const payload = Buffer.from(canonicalText(body));
  const pae = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
  const signatures = signers
    .flatMap(({ keyid, from }) => [
      { keyid: `${keyid}/ed25519`, sig: toBase64(ed25519.sign(pae, from.ed25519)) },
      { keyid: `${keyid}/ml-dsa`, sig: toBase64(signMlDsa('ML-DSA-65', from.mlDsa, pae)) },
    ])
    .filter((one) => !drop.includes(one.keyid))
    .sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  const digest = createHash('sha256').update(pae).digest('hex');
  const file = `${canonicalText({ payload: toBase64(payload), payloadType: type, signatures })}\n`;
  return { file, digest: `sha256:${digest}` };
}

const SERVICE = seeds('service');
const STRANGER = seeds('stranger');
const service = base64urls(dualPub(SERVICE));

function keyObjectSuite(): OwnVector[] {
  const pub = base64urls(dualPub(seeds('object')));
  const body = { kid: `${KID}#v1`, state: 'active', tracks: ['ed25519', 'ml-dsa'], pub, created_at: T1 };
  const by = (from: Seeds): Signer[] => [{ keyid: 'service', from }];
  const xWing = toBase64Url(seeded('any bytes stand for a public key here', 1216));
  const kem = {
    kid: `${KEM_KID}#v1`,
    state: 'superseded',
    tracks: ['x25519', 'ml-kem'],
    suite: 2,
    pub: { x_wing: xWing },
    created_at: T1,
  };
  const good = (name: string, object: Json): OwnVector => {
    const { file, digest } = envelopeText('kms.key.v1', object, by(SERVICE));
    return { name, in: { service, file }, out: { object, digest } };
  };
  const bad = (name: string, file: string, error: string): OwnVector => ({ name, in: { service, file }, error });
  const made = (object: Json): string => envelopeText('kms.key.v1', object, by(SERVICE)).file;
  return [
    good('a signing key', body),
    good('a wrapping key of suite 2', kem),
    good('a compromised version with a hint', { ...body, state: 'compromised', from_seq: 41, rotate_days: 30 }),
    bad('signed by a stranger', envelopeText('kms.key.v1', body, by(STRANGER)).file, 'VerificationFailed'),
    bad(
      'without its ML-DSA signature',
      envelopeText('kms.key.v1', body, by(SERVICE), ['service/ml-dsa']).file,
      'VerificationFailed',
    ),
    bad('another type', envelopeText('kms.continuity.v1', body, by(SERVICE)).file, 'Malformed'),
    bad('compromised without from_seq', made({ ...body, state: 'compromised' }), 'Malformed'),
    bad('from_seq while active', made({ ...body, from_seq: 1 }), 'Malformed'),
    bad('a kid without version', made({ ...body, kid: KID }), 'Malformed'),
    bad('an unknown state', made({ ...body, state: 'fine' }), 'Malformed'),
    bad('a key of another track', made({ ...body, tracks: ['ed25519'] }), 'Malformed'),
  ];
}

function continuitySuite(): OwnVector[] {
  const old = seeds('continuity old');
  const fresh = seeds('continuity new');
  const body = {
    ledger_id: 'gl-bfqgc3tbnzswg33vnz2gs3tfmqxg4zlu',
    old: { kid: `${KID}#v1`, pub: base64urls(dualPub(old)) },
    new: { kid: `${KID}#v2`, pub: base64urls(dualPub(fresh)) },
    op_id: uuidV7(1_763_600_000_001, seeded('continuity op', 16)),
    ts: T2,
  };
  const xWing = (label: string): Json => ({ x_wing: toBase64Url(seeded(label, 1216)) });
  const kem = {
    ...body,
    old: { kid: `${KEM_KID}#v1`, pub: xWing('old') },
    new: { kid: `${KEM_KID}#v2`, pub: xWing('new') },
  };
  const afterLoss = { ...body, proposal_digest: `sha256:${'5'.repeat(64)}` };
  const all = [
    { keyid: 'service', from: SERVICE },
    { keyid: `${KID}#v1`, from: old },
    { keyid: `${KID}#v2`, from: fresh },
  ];
  const make = (
    object: Json,
    signers: readonly Signer[],
    drop: readonly string[] = [],
  ): { file: string; digest: string } => envelopeText('kms.continuity.v1', object, signers, drop);
  const good = (name: string, object: Json, signers: readonly Signer[], attested_by: string): OwnVector => {
    const { file, digest } = make(object, signers);
    return { name, in: { service, file }, out: { digest, attested_by } };
  };
  const bad = (name: string, file: string, error: string): OwnVector => ({ name, in: { service, file }, error });
  const stolen = [{ keyid: 'service', from: STRANGER }, ...all.slice(1)];
  return [
    good('two signing tracks', body, all, 'keys and service'),
    good('a wrapping key', kem, all.slice(0, 1), 'service'),
    good('after key-compromised, without the old signatures', afterLoss, [all[0]!, all[2]!], 'keys and service'),
    bad('a stolen old key without the service', make(body, stolen).file, 'VerificationFailed'),
    bad('without one old signature', make(body, all, [`${KID}#v1/ml-dsa`]).file, 'VerificationFailed'),
    bad('without one new signature', make(body, all, [`${KID}#v2/ed25519`]).file, 'VerificationFailed'),
    bad('the old signatures are missing without a proposal', make(body, [all[0]!, all[2]!]).file, 'VerificationFailed'),
    bad('old signatures beside a proposal', make(afterLoss, all).file, 'VerificationFailed'),
    bad(
      'versions that do not follow each other',
      make({ ...body, new: { ...body.new, kid: `${KID}#v3` } }, all).file,
      'Malformed',
    ),
    bad('versions of two keys', make({ ...body, new: { ...body.new, kid: `${KEM_KID}#v2` } }, all).file, 'Malformed'),
  ];
}

const LOG = seeds('log');
const logOf = (from: Seeds): Record<string, string> =>
  base64urls({
    ed25519: ed25519.getPublicKey(from.ed25519),
    ml_dsa_44: ML_DSA['ML-DSA-44'].keygen(from.mlDsa).publicKey,
  });

/** An evidence file; `cut` and `body` change what is signed or who signs. */
function evidenceText(body: Json, from: Seeds, cut: readonly string[] = [], name = 'kms.attestation.v1'): string {
  const type = `application/vnd.ron.${name}+json`;
  const payload = Buffer.from(canonicalText(body));
  const pae = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
  const signatures = [
    { keyid: 'log/ed25519', sig: toBase64(ed25519.sign(pae, from.ed25519)) },
    { keyid: 'log/ml-dsa-44', sig: toBase64(signMlDsa('ML-DSA-44', from.mlDsa, pae)) },
  ].filter((one) => !cut.includes(one.keyid));
  return `${canonicalText({ payload: toBase64(payload), payloadType: type, signatures })}\n`;
}

function attestationSuite(): OwnVector[] {
  const pub = base64urls(dualPub(seeds('attested')));
  const body = {
    v: 1,
    build: 'release',
    class: 'software',
    kid: `${KID}#v1`,
    pub,
    store_id: '00112233445566778899aabbccddeeff',
    ts: T1,
  };
  const xWing = toBase64Url(seeded('any bytes stand for a public key here', 1216));
  const log = logOf(LOG);
  const good = (name: string, statement: Json): OwnVector => {
    const file = evidenceText(statement, LOG);
    const sha256 = createHash('sha256').update(file).digest('hex');
    return { name, in: { log, file }, out: { statement, evidence: `sha256:${sha256}` } };
  };
  const bad = (name: string, file: string, error: string): OwnVector => ({ name, in: { log, file }, error });
  const made = (change: Readonly<Record<string, Json>>): string => evidenceText({ ...body, ...change }, LOG);
  return [
    good('a signing key of two tracks', body),
    good('a classical signing key', { ...body, pub: { ed25519: pub['ed25519']! } }),
    good('a wrapping key', { ...body, kid: `${KEM_KID}#v2`, pub: { x_wing: xWing } }),
    bad('signed by the keys of another log', evidenceText(body, STRANGER), 'VerificationFailed'),
    bad('without its ML-DSA-44 signature', evidenceText(body, LOG, ['log/ml-dsa-44']), 'VerificationFailed'),
    bad('without its Ed25519 signature', evidenceText(body, LOG, ['log/ed25519']), 'VerificationFailed'),
    bad('another type', evidenceText(body, LOG, [], 'kms.key.v1'), 'Malformed'),
    bad('a class that this version does not have', made({ class: 'hsm' }), 'Malformed'),
    bad('version 2', made({ v: 2 }), 'Malformed'),
    bad('a kid without version', made({ kid: KID }), 'Malformed'),
    bad('the keys of no version', made({ pub: { ed25519: pub['ed25519']!, x_wing: xWing } }), 'Malformed'),
    bad('a public key of 31 bytes', made({ pub: { ed25519: toBase64Url(new Uint8Array(31)) } }), 'Malformed'),
    bad('a store id that is none', made({ store_id: 'store' }), 'Malformed'),
    bad('a time in another form', made({ ts: '2026-11-20T08:00:00Z' }), 'Malformed'),
    bad('an unknown member', made({ hardware: true }), 'Malformed'),
  ];
}

const SOURCE = 'test/vectors/generate-keys.ts with @noble libraries';

export async function keySuites(): Promise<ReadonlyMap<string, OwnSuite>> {
  const suites: readonly [string, string, readonly OwnVector[]][] = [
    ['kid', 'key ids', kidSuite()],
    ['message', 'the message that /sign signs', messageSuite()],
    ['bundle', 'signature bundles under the three modes', bundleSuite()],
    ['record', 'meta and secret of a sealed key version', recordSuite()],
    ['wrap', 'wrap envelopes', await wrapSuite()],
    ['key-object', 'key objects in clear', keyObjectSuite()],
    ['continuity', 'continuity statements', continuitySuite()],
    ['attestation', 'evidence of class software', attestationSuite()],
  ];
  return new Map(
    suites.map(([suite, what, vectors]) => [`keys/${suite}.json`, { suite, source: `${SOURCE}; ${what}`, vectors }]),
  );
}

if (import.meta.main) for (const [path, suite] of await keySuites()) writeSuite(path, suite);
