// Every byte of a wrap envelope, key object, continuity statement and bundle is mangled: nothing opens, nothing verifies,
// and every refusal is one that the format names.

import { beforeAll, describe, expect, it } from 'vitest';
import { nativeCrypto } from '../../src/crypto/native.ts';
import type { DualPublicKeys, DualSigningKeys } from '../../src/envelope/dual-signature.ts';
import { RonError } from '../../src/errors.ts';
import { bundleFile, bundleJson, parseBundle, verifyBundle } from '../../src/keys/bundle.ts';
import { continuityDefect, continuityFile, parseContinuity, signContinuity } from '../../src/keys/continuity.ts';
import { keyObjectDefect, parseKeyObject, signKeyObject } from '../../src/keys/key-object.ts';
import { signedMessage } from '../../src/keys/message.ts';
import { openEnvelope, parseEnvelope, sealEnvelope } from '../../src/keys/wrap-envelope.ts';

const crypto = nativeCrypto();
const KID = 'acme/release/ed25519/919108f7-52d1-4320-9bac-f847db4148a8';
const plaintext = Uint8Array.from({ length: 32 }, (_, index) => index + 1);

let service: DualSigningKeys;
let pins: DualPublicKeys[];
beforeAll(async () => {
  const key = async (alg: 'ed25519' | 'ml-dsa') =>
    crypto.signature(alg).importSecret(await crypto.signature(alg).generate());
  service = { ed25519: await key('ed25519'), mlDsa: await key('ml-dsa') };
  pins = [{ ed25519: service.ed25519.publicKey, ml_dsa_65: service.mlDsa.publicKey }];
});

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[at]! ^= 1;
  return copy;
};

/** The code that a refusal has; throws when there was none. */
async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (error instanceof RonError) return error.code;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('mangled bytes', () => {
  it('no flipped byte of a wrap envelope opens, and no shorter or longer one', async () => {
    const kem = crypto.kem('x25519');
    const secret = await kem.generate();
    const bytes = await sealEnvelope(crypto, 3, `${KID}#v1`, await kem.publicKey(secret), plaintext);
    const open = async (changed: Uint8Array): Promise<Uint8Array> =>
      openEnvelope(crypto, parseEnvelope(changed), secret);
    expect(await open(bytes)).toEqual(plaintext);
    const codes = new Set<string>();
    for (let at = 0; at < bytes.length; at++) codes.add(await codeOf(() => open(flipped(bytes, at))));
    for (let length = 0; length < bytes.length; length++) codes.add(await codeOf(() => open(bytes.slice(0, length))));
    codes.add(await codeOf(() => open(Uint8Array.from([...bytes, 0]))));
    codes.add(await codeOf(() => open(bytes.with(5, 9))));
    expect([...codes].sort()).toEqual(['Malformed', 'SuiteMismatch', 'UnwrapFailed']);
  });

  it('an envelope does not open as one of another key or version', async () => {
    const kem = crypto.kem('x-wing');
    const secret = await kem.generate();
    const made = await sealEnvelope(crypto, 1, `${KID}#v1`, await kem.publicKey(secret), plaintext);
    const moved = Buffer.from(made).toString('latin1').replace('#v1', '#v2');
    const bytes = Uint8Array.from(Buffer.from(moved, 'latin1'));
    expect(parseEnvelope(bytes).kidText).toBe(`${KID}#v2`);
    expect(await codeOf(() => openEnvelope(crypto, parseEnvelope(bytes), secret))).toBe('UnwrapFailed');
    const asAes = Uint8Array.from(made);
    asAes[5] = 2;
    expect(await codeOf(() => openEnvelope(crypto, parseEnvelope(asAes), secret))).toBe('UnwrapFailed');
  });

  it('no flipped byte of a key object is accepted', async () => {
    const pub = { ed25519: service.ed25519.publicKey };
    const object = {
      kid: `${KID}#v1`,
      state: 'active',
      tracks: ['ed25519'],
      pub,
      created_at: '2026-11-20T08:00:00.000Z',
    } as const;
    const file = await signKeyObject(crypto, object, service);
    const judge = (bytes: Uint8Array): string | null =>
      keyObjectDefect(crypto, parseKeyObject(bytes, 'object').envelope, pins);
    expect(judge(file)).toBeNull();
    for (let at = 0; at < file.length; at++) {
      const changed = flipped(file, at);
      try {
        expect(judge(changed), `byte ${at}`).not.toBeNull();
      } catch (error) {
        expect(error, `byte ${at}`).toMatchObject({ code: 'Malformed' });
      }
    }
  });

  it('a key object of other service keys, or with a third signature, is refused for that reason', async () => {
    const object = {
      kid: `${KID}#v1`,
      state: 'active',
      tracks: ['ed25519'],
      pub: { ed25519: service.ed25519.publicKey },
      created_at: '2026-11-20T08:00:00.000Z',
    } as const;
    const { envelope } = parseKeyObject(await signKeyObject(crypto, object, service), 'object');
    const other = [{ ...pins[0]!, ed25519: new Uint8Array(32).fill(9) }];
    expect(keyObjectDefect(crypto, envelope, other)).toBe('the signature of service/ed25519 is wrong');
    expect(keyObjectDefect(crypto, envelope, [...other, ...pins])).toBeNull();
    expect(keyObjectDefect(crypto, envelope, [])).toBe('no service key is trusted here');
    const third = { ...envelope, signatures: [...envelope.signatures, { keyid: 'x/ed25519', signature: plaintext }] };
    expect(keyObjectDefect(crypto, third, pins)).toBe('a signature by x/ed25519, which must not sign this');
  });

  it('no flipped byte of a continuity statement is accepted', async () => {
    const pub = { ed25519: service.ed25519.publicKey };
    const continuity = {
      ledger_id: 'gl-test',
      old: { kid: `${KID}#v1`, pub },
      new: { kid: `${KID}#v2`, pub },
      op_id: '0190f3c0-0000-7000-8000-00000000000b',
      ts: '2026-11-20T08:00:00.000Z',
    };
    const signers = new Map([['ed25519', service.ed25519]] as const);
    const file = continuityFile(await signContinuity(crypto, continuity, service, { old: signers, new: signers }));
    const judge = (bytes: Uint8Array): string | null => {
      const parsed = parseContinuity(bytes, 'statement');
      return continuityDefect(crypto, parsed.envelope, parsed.continuity, pins);
    };
    expect(judge(file)).toBeNull();
    for (let at = 0; at < file.length; at++) {
      try {
        expect(judge(flipped(file, at)), `byte ${at}`).not.toBeNull();
      } catch (error) {
        expect(error, `byte ${at}`).toMatchObject({ code: 'Malformed' });
      }
    }
  });

  it('no flipped byte of a bundle leaves both halves valid', async () => {
    const payloadB3 = new Uint8Array(32).fill(5);
    const message = signedMessage(['ed25519', 'ml-dsa'], `${KID}#v1`, payloadB3);
    const signatures = [
      { alg: 'ed25519' as const, bytes: await service.ed25519.sign(message) },
      { alg: 'ml-dsa' as const, bytes: await service.mlDsa.sign(message) },
    ];
    const file = bundleFile(bundleJson({ kidText: `${KID}#v1`, payloadB3, signatures }));
    const keys = new Map([
      ['ed25519', service.ed25519.publicKey],
      ['ml-dsa', service.mlDsa.publicKey],
    ] as const);
    const judge = (bytes: Uint8Array): boolean =>
      verifyBundle(crypto, keys, parseBundle(bytes, 'bundle'), payloadB3).every((one) => one.valid);
    expect(judge(file)).toBe(true);
    for (let at = 0; at < file.length; at++) {
      try {
        expect(judge(flipped(file, at)), `byte ${at}`).toBe(false);
      } catch (error) {
        expect(error, `byte ${at}`).toMatchObject({ code: 'Malformed' });
      }
    }
  });
});
