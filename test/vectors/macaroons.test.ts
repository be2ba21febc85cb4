// Macaroons of libmacaroons and go-macaroon. Ours is the binary format 2, base64url without padding; format 1 is read here,
// in the test, so that its cases run through our HMAC chain; the JSON forms are not offered.

import { expect, it } from 'vitest';
import { fromBase64Url, toBase64Url } from '../../src/bytes/base64.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { addFirstParty, addThirdParty, bindDischarge, newMacaroon, verifyChain } from '../../src/capability/chain.ts';
import { type Macaroon, type MacaroonCaveat, parseMacaroon, printMacaroon } from '../../src/capability/macaroon.ts';
import { decodeMacaroon } from '../../src/capability/token.ts';
import { loadSecretbox } from '../../src/crypto/secretbox.ts';
import { describeVectors, refuses, Tally, unhex, vectorBytes, vectorFiles, vectorJson } from './third-party.ts';

const FOLDER = 'macaroons/libmacaroons';
const loose = (text: string): Buffer => Buffer.from(text.replaceAll('=', ''), 'base64url');

/** Format 1: packets of four hex digits of length, name, space, value, LF. */
function readFormat1(bytes: Buffer): Macaroon {
  let location: Uint8Array | null = null;
  let identifier: Uint8Array = new Uint8Array(0);
  let signature: Uint8Array = new Uint8Array(0);
  const caveats: { identifier: Uint8Array; vid: Uint8Array | null; location: Uint8Array | null }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(bytes.toString('latin1', at, at + 4), 16);
    const packet = bytes.subarray(at + 4, at + length - 1);
    const space = packet.indexOf(0x20);
    const value = new Uint8Array(packet.subarray(space + 1));
    switch (packet.toString('latin1', 0, space)) {
      case 'location':
        location = value;
        break;
      case 'identifier':
        identifier = value;
        break;
      case 'cid':
        caveats.push({ identifier: value, vid: null, location: null });
        break;
      case 'vid':
        caveats.at(-1)!.vid = value;
        break;
      case 'cl':
        caveats.at(-1)!.location = value;
        break;
      case 'signature':
        signature = value;
        break;
      default:
        throw new Error(`packet at ${at}`);
    }
    at += length;
  }
  return { location, identifier, caveats, signature };
}

/** The line of a format-1 file is base64 of the token, which is base64url text itself. */
const format1 = (line: string): Macaroon => readFormat1(loose(loose(line).toString('latin1')));

const same = (a: Macaroon, b: Macaroon): boolean => toHex(printMacaroon(a)) === toHex(printMacaroon(b));

const texts = (predicates: readonly Uint8Array[]): string[] =>
  predicates.map((one) => Buffer.from(one).toString('utf8'));

describeVectors('macaroons', () => {
  it('libmacaroons: authorised and not', async () => {
    const tally = new Tally('macaroons/libmacaroons/vtest', 'plain');
    const box = await loadSecretbox();
    const files = vectorFiles(FOLDER).filter((path) => path.endsWith('.vtest'));
    for (const path of files) {
      const lines = vectorBytes(path)
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'));
      const verdict = lines.find((line) => line === 'authorized' || line === 'unauthorized')!;
      const key = utf8(lines.find((line) => line.startsWith('key '))!.slice('key '.length));
      const exact = lines.filter((line) => line.startsWith('exact ')).map((line) => line.slice('exact '.length));
      const tokens = lines
        .slice(lines.findIndex((line) => line.startsWith('key ')) + 1)
        .filter((line) => !line.startsWith('exact '));
      const [root, ...discharges] = tokens.map((line) =>
        path.includes('_v1_') ? format1(line) : decodeMacaroon(line),
      );
      const isAuthorised = !refuses(() => {
        const left = texts(verifyChain(box, key, root!, discharges)).filter((text) => !exact.includes(text));
        if (left.length > 0) throw new Error('a predicate does not hold');
      });
      tally.check(path, isAuthorised === (verdict === 'authorized'));
    }
    tally.finish(4);
  });

  it('libmacaroons: one macaroon in every serialization', () => {
    const tally = new Tally('macaroons/libmacaroons/serialization', 'plain');
    for (const path of vectorFiles(FOLDER).filter((one) => one.includes('serialization_'))) {
      const lines = new Map(
        vectorBytes(path)
          .toString('utf8')
          .trim()
          .split('\n')
          .map((line) => line.split(' ') as [string, string]),
      );
      const bytes = loose(lines.get('v2')!);
      const parsed = parseMacaroon(bytes);
      tally.check(
        `${path} v2`,
        Buffer.from(printMacaroon(parsed)).equals(bytes) && refuses(() => decodeMacaroon(`${toBase64Url(bytes)}=`)),
      );
      tally.check(`${path} v1`, same(format1(lines.get('v1')!), parsed));
      tally.leaveOut('suite not offered');
    }
    tally.finish(6, { 'suite not offered': 3 });
  });

  interface Reference {
    readonly root_key: string;
    readonly identifier: string;
    readonly location: string;
    readonly caveats: readonly {
      id: string;
      location?: string;
      root_key?: string;
      nonce_hex?: string;
      vid_b64url?: string;
    }[];
    readonly signature_hex: string;
    readonly v1_binary_b64url: string;
    readonly v2_binary_hex: string;
  }

  it('go-macaroon: the reference macaroon, with its third-party caveat', async () => {
    const tally = new Tally('macaroons/go-macaroon/reference', 'plain');
    const box = await loadSecretbox();
    const { reference_macaroon: of } = vectorJson('macaroons/go-macaroon-format.json') as {
      reference_macaroon: Reference;
    };
    let macaroon = newMacaroon(utf8(of.root_key), utf8(of.identifier), utf8(of.location));
    for (const { id, location, root_key, nonce_hex } of of.caveats) {
      macaroon =
        root_key === undefined
          ? addFirstParty(macaroon, utf8(id))
          : addThirdParty(box, macaroon, {
              location: utf8(location!),
              identifier: utf8(id),
              caveatKey: utf8(root_key),
              nonce: unhex(nonce_hex!),
            });
    }
    const third: MacaroonCaveat = macaroon.caveats[1]!;
    tally.check('vid', toBase64Url(third.vid!) === of.caveats[1]!.vid_b64url);
    tally.check('signature', toHex(macaroon.signature) === of.signature_hex);
    tally.check('v2 binary', toHex(printMacaroon(macaroon)) === of.v2_binary_hex);
    tally.check('read back', same(parseMacaroon(unhex(of.v2_binary_hex)), macaroon));
    tally.check('v1 binary', same(readFormat1(Buffer.from(of.v1_binary_b64url, 'base64url')), macaroon));
    const discharge = newMacaroon(utf8(of.caveats[1]!.root_key!), third.identifier, null);
    const verify = (...sent: readonly Macaroon[]): string[] =>
      texts(verifyChain(box, utf8(of.root_key), macaroon, sent));
    tally.check('discharged', verify(bindDischarge(macaroon, discharge))[0] === of.caveats[0]!.id);
    tally.check(
      'unbound',
      refuses(() => verify(discharge)),
    );
    tally.check(
      'without',
      refuses(() => verify()),
    );
    tally.finish(8);
  });

  it('go-macaroon: base64 and JSON', () => {
    const tally = new Tally('macaroons/go-macaroon/format', 'plain');
    const file = vectorJson('macaroons/go-macaroon-format.json') as {
      json_round_trip: unknown[];
      base64_decode: { input: string; expect?: string }[];
      json_field_base64_choice: unknown[];
    };
    for (const { input, expect: text } of file.base64_decode) {
      const decoded = fromBase64Url(input);
      // Of the five spellings that go-macaroon takes only the one without padding and in the URL alphabet is ours.
      const isOurs = /^[A-Za-z0-9_-]*$/.test(input);
      const got = decoded === null ? undefined : Buffer.from(decoded).toString('utf8');
      tally.check(input, isOurs ? got === text : got === undefined);
    }
    tally.leaveOut('suite not offered', file.json_round_trip.length + file.json_field_base64_choice.length);
    tally.finish(6, { 'suite not offered': 11 });
    expect(refuses(() => decodeMacaroon(''))).toBe(true);
  });
});
