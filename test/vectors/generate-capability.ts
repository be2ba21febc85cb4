// Makes vectors/capability/*.json. Tokens are put together here from the text of ronctl-capability(5) with node:crypto, not by
// the product; the tests compare. `node test/vectors/generate-capability.ts`, then `node test/vectors/generate-sums.ts`.

import { createHmac } from 'node:crypto';
import { canonicalText } from '../../src/bytes/canonical-json.ts';
import { type OwnSuite, type OwnVector, writeSuite } from './own-format.ts';
import { seeded } from './tool.ts';

const AT = '2026-11-20T08:00:00.000Z';
const KID = 'acme/release/ed25519/0190a5a0-0000-7000-8000-000000000001';
const UUID = '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81';

const hmac = (key: Uint8Array | string, ...parts: readonly (Uint8Array | string)[]): Buffer => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
};

const varint = (value: number): Buffer =>
  value < 128 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 127) | 128]), varint(value >> 7)]);

const field = (type: number, bytes: Buffer): Buffer => Buffer.concat([varint(type), varint(bytes.length), bytes]);
const END = Buffer.from([0]);

interface Made {
  readonly key: Uint8Array;
  readonly identifier: string;
  readonly caveats: readonly string[];
  /** Null: the field is not there. */
  readonly location?: string | null;
}

function binary({ key, identifier, caveats, location = 'ron-kms' }: Made): Buffer {
  let signature = hmac(hmac('macaroons-key-generator', key), identifier);
  for (const caveat of caveats) signature = hmac(signature, caveat);
  return Buffer.concat([
    Buffer.from([2]),
    ...(location === null ? [] : [field(1, Buffer.from(location))]),
    field(2, Buffer.from(identifier)),
    END,
    ...caveats.flatMap((one) => [field(2, Buffer.from(one)), END]),
    END,
    field(6, signature),
  ]);
}

const key = seeded('capability root', 32);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const identifier = canonicalText({ v: 1, id: UUID, root: 1, once: false, minted_at: AT, minted_by: 'local:1000:op' });
const CAVEATS = ['tenant = acme', 'scope = kms:sign,kms:verify', 'exp = 2026-11-20T08:15:00.000Z'];

function tokens(): OwnVector[] {
  const good = (name: string, of: Partial<Made> = {}): OwnVector => {
    const made = { key, identifier, caveats: CAVEATS, ...of };
    return {
      name,
      in: { root_key: hex(key), token: binary(made).toString('base64url') },
      out: { identifier: JSON.parse(made.identifier) as unknown, caveats: made.caveats },
    };
  };
  const bad = (name: string, token: string, error: string): OwnVector => ({
    name,
    in: { root_key: hex(key), token },
    error,
  });
  const once = { v: 1, id: UUID, root: 12, once: true, minted_at: AT, minted_by: 'system', sub: 'operator' };
  const whole = binary({ key, identifier, caveats: CAVEATS });
  const text = whole.toString('base64url');
  const changed = (at: number): string => {
    const out = Buffer.from(whole);
    out[at < 0 ? out.length + at : at]! ^= 1;
    return out.toString('base64url');
  };
  const withIdentifier = (json: string): string =>
    binary({ key, identifier: json, caveats: CAVEATS }).toString('base64url');
  return [
    good('plain'),
    good('once, with the name of its bearer', { identifier: canonicalText(once) }),
    good('attenuated', { caveats: [...CAVEATS, 'rps = 5', `kid = ${KID}`, 'paths = /v1/kms/sign'] }),
    good('no location', { location: null }),
    good('an empty location', { location: '' }),
    good('32 caveats', { caveats: [...CAVEATS, ...Array.from({ length: 29 }, (_, at) => `rps = ${at + 1}`)] }),
    bad(
      'another key',
      binary({ key: seeded('another root', 32), identifier, caveats: CAVEATS }).toString('base64url'),
      'VerificationFailed',
    ),
    bad('a bit of the signature', changed(-1), 'VerificationFailed'),
    bad('a bit of a caveat', changed(-40), 'VerificationFailed'),
    bad('a caveat left out', spliced(whole), 'VerificationFailed'),
    bad('padding', `${text}=`, 'Malformed'),
    bad('cut off', whole.subarray(0, -1).toString('base64url'), 'Malformed'),
    bad('a byte more', Buffer.concat([whole, END]).toString('base64url'), 'Malformed'),
    bad('version 1', Buffer.concat([Buffer.from([1]), whole.subarray(1)]).toString('base64url'), 'Malformed'),
    bad(
      '33 caveats',
      binary({ key, identifier, caveats: Array.from({ length: 33 }, () => 'rps = 1') }).toString('base64url'),
      'Malformed',
    ),
    bad(
      'over 4,096 bytes',
      binary({ key, identifier, caveats: Array.from({ length: 8 }, () => `purpose = ${'a'.repeat(600)}`) }).toString(
        'base64url',
      ),
      'Malformed',
    ),
    bad(
      'a location of 257 bytes',
      binary({ key, identifier, caveats: CAVEATS, location: 'x'.repeat(257) }).toString('base64url'),
      'Malformed',
    ),
    bad('an identifier that is not canonical', withIdentifier(identifier.replace(',', ', ')), 'Malformed'),
    bad('an identifier of another version', withIdentifier(identifier.replace('"v":1', '"v":2')), 'Malformed'),
    bad('an identifier with a member more', withIdentifier(canonicalText({ ...once, x: 1 })), 'Malformed'),
    bad(
      'a UUID of version 7',
      withIdentifier(canonicalText({ ...once, id: '0190a5a0-0000-7000-8000-000000000001' })),
      'Malformed',
    ),
    bad('root 0', withIdentifier(canonicalText({ ...once, root: 0 })), 'Malformed'),
    bad(
      'an identifier of 513 bytes',
      withIdentifier(canonicalText({ ...once, minted_by: 'x'.repeat(400) })),
      'Malformed',
    ),
  ];
}

/** The last caveat without its bytes, under the old signature. */
function spliced(whole: Buffer): string {
  const last = Buffer.concat([field(2, Buffer.from(CAVEATS[2]!)), END]);
  const at = whole.lastIndexOf(last);
  return Buffer.concat([whole.subarray(0, at), whole.subarray(at + last.length)]).toString('base64url');
}

const judged = (name: string, caveats: readonly string[], out: Record<string, unknown> | null): OwnVector =>
  out === null ? { name, in: { caveats }, error: 'Denied' } : { name, in: { caveats }, out };

function effective(): OwnVector[] {
  const plain = {
    tenants: ['acme'],
    scopes: ['kms:sign', 'kms:verify'],
    exp: '2026-11-20T08:15:00.000Z',
    nbf: null,
    algs: null,
    purposes: null,
    kid: null,
    rps: null,
    paths: [],
    once: false,
    nonce: null,
  };
  const more = (name: string, added: readonly string[], out: Record<string, unknown> | null): OwnVector =>
    judged(name, [...CAVEATS, ...added], out === null ? null : { ...plain, ...out });
  return [
    more('plain', [], {}),
    more('scopes intersect', ['scope = kms:read,kms:sign'], { scopes: ['kms:sign'] }),
    more('tenants intersect', ['tenant = acme,b'], {}),
    more('the earliest exp', ['exp = 2026-11-20T08:14:59.999Z', 'exp = 2026-11-20T09:00:00.000Z'], {
      exp: '2026-11-20T08:14:59.999Z',
    }),
    more('the latest nbf', ['nbf = 2026-11-20T08:01:00.000Z', `nbf = ${AT}`], { nbf: '2026-11-20T08:01:00.000Z' }),
    more('the smallest rate', ['rps = 10000', 'rps = 7', 'rps = 70'], { rps: 7 }),
    more('algorithms and purposes', ['alg = ed25519,hybrid', 'purpose = ci,release', 'alg = hybrid'], {
      algs: ['hybrid'],
      purposes: ['ci', 'release'],
    }),
    more('a key, then its version', [`kid = ${KID}`, `kid = ${KID}#v3`], { kid: `${KID}#v3` }),
    more('every list of paths counts', ['paths = /v1/kms/keys/acme%2Fx,/v1/kms/sign', 'paths = /v1'], {
      paths: [
        [
          ['v1', 'kms', 'keys', 'acme/x'],
          ['v1', 'kms', 'sign'],
        ],
        [['v1']],
      ],
    }),
    more('one use under one operation id', ['usage = once', `nonce = ${UUID}`], { once: true, nonce: UUID }),
    judged('the instance', ['tenant = _instance', 'scope = kms:govern', `exp = ${AT}`], {
      ...plain,
      tenants: ['_instance'],
      scopes: ['kms:govern'],
      exp: AT,
    }),
    more('tenants with nothing in common', ['tenant = b'], null),
    more('the instance and a tenant', ['tenant = _instance'], null),
    more('scopes with nothing in common', ['scope = kms:wrap'], null),
    more('two keys', [`kid = ${KID}`, `kid = ${KID.replace(/1$/, '2')}`], null),
    more('two versions', [`kid = ${KID}#v1`, `kid = ${KID}#v2`], null),
    more('two nonces', [`nonce = ${UUID}`, `nonce = ${UUID.replace(/1$/, '2')}`], null),
    judged('no tenant', CAVEATS.slice(1), null),
    judged('no scope', [CAVEATS[0]!, CAVEATS[2]!], null),
    judged('no exp', CAVEATS.slice(0, 2), null),
    ...[
      'colour = red',
      'tenant = *',
      'tenant = ACME',
      'tenant = b,acme',
      'tenant = acme,acme',
      'tenant = _instance,acme',
      'scope = sign',
      'scope = kms:*',
      'exp = 2026-11-20T08:15:00Z',
      'exp = 2026-02-30T00:00:00.000Z',
      'alg = rsa',
      'rps = 0',
      'rps = 010',
      'rps = 10001',
      'paths = v1',
      'paths = /v1/',
      'paths = /v1/%2e%2e/x',
      'paths = /v1/%ff',
      'usage = twice',
      'nonce = 1',
      'tenant= acme',
      'tenant =  acme',
      ' tenant = acme',
    ].map((text) => more(`outside the grammar: ${JSON.stringify(text)}`, [text], null)),
  ];
}

function paths(): OwnVector[] {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['/v1/kms/keys/acme', '/v1/kms/keys/acme', true],
    ['/v1/kms/keys/acme', '/v1/kms/keys/acme/rotate', true],
    ['/v1/kms/keys/acme', '/v1/kms/keys/acme-evil', false],
    ['/v1/kms/keys/acme', '/v1/kms/keys/acme%2Devil', false],
    ['/v1/kms/keys/acme', '/v1/kms/keys/acme%2Fevil', false],
    ['/v1/kms/keys/acme', '/v1/kms/keys/%61cme', true],
    ['/v1/kms/keys/acme', '/v1/kms/keys/b/../acme', false],
    ['/v1/kms/keys/acme', '/v1/kms/keys/b/%2e%2e/acme', false],
    ['/v1/kms/keys/acme', '/v1/kms/keys/acme/', false],
    ['/v1/kms/keys/acme', '/v1/kms/keys', false],
    ['/v1/kms/keys/acme%2Fx', '/v1/kms/keys/acme%2fx/rotate', true],
    ['/v1/kms/keys/acme%2Fx', '/v1/kms/keys/acme/x', false],
    ['/', '/v1', true],
    ['/v1/a,/v1/b', '/v1/b', true],
  ];
  return rows.map(([caveat, path, allowed]) => ({
    name: `${caveat} and ${path}`,
    in: { paths: caveat, path },
    out: { allowed },
  }));
}

const SOURCE = 'test/vectors/generate-capability.ts, from the text of ronctl-capability(5) with node:crypto';

export function capabilitySuites(): readonly (readonly [string, OwnSuite])[] {
  return [
    ['capability/token.json', { suite: 'capability tokens', source: SOURCE, vectors: tokens() }],
    [
      'capability/effective.json',
      { suite: 'what the caveats of a capability leave', source: SOURCE, vectors: effective() },
    ],
    ['capability/path.json', { suite: 'paths of a capability', source: SOURCE, vectors: paths() }],
  ];
}

if (import.meta.main) for (const [path, suite] of capabilitySuites()) writeSuite(path, suite);
