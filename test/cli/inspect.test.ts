import { appendFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { InspectResult } from '../../src/operations/inspect.ts';
import { type ArtefactFiles, makeArtefacts } from '../support/artefacts.ts';
import { temporaryHome } from '../support/binary.ts';

const home = temporaryHome();
let made: ArtefactFiles;
beforeAll(async () => {
  made = await makeArtefacts();
  for (const [kind, bytes] of Object.entries(made.files)) home.write(`${kind.replaceAll(' ', '-')}.file`, bytes);
  home.write('log.json', made.logFile);
});

describe('ronctl inspect', () => {
  it('explains a bundle from its bytes, without a home', async () => {
    const run = await home.run(['inspect', 'signer-bundle.file']);
    expect(run.exit).toBe(0);
    expect(run.stderr).toBe('');
    expect(run.stdout).toMatch(/^signer-bundle\.file\nkind +signer bundle, version 1\n/);
    expect(run.stdout).toMatch(/words +(?:[a-z]+ ){3}[a-z]+\n +(?:[a-z]+ ){3}[a-z]+\n +(?:[a-z]+ ){3}[a-z]+\n/);
    expect(run.stdout).toMatch(/eve@prev\/ml-dsa +valid +bundle of eve\n/);
    expect(run.stdout).toContain('whose keys these are: compare the 12 words by voice');
    expect(run.stdout.trimEnd().split('\n').at(-1)).toBe('verdict: nothing invalid');
  });

  it('is 11 with data when a key is unknown, and 0 once the genesis is given', async () => {
    const unknown = await home.json<InspectResult>(['inspect', 'proposal.file'], 11);
    expect(unknown.error).toMatchObject({ code: 'NoTrustedKey' });
    expect(unknown.error?.hint).toContain('--key genesis.json');
    expect(unknown.data?.verdict).toBe('key unknown');
    expect(unknown.data?.signatures.map((one) => one.verdict)).toEqual(['key unknown', 'key unknown']);
    const known = await home.json<InspectResult>(['inspect', 'proposal.file', '--key', 'genesis.file']);
    expect(known.data?.signatures.map((one) => one.verdict)).toEqual(['valid', 'valid']);
  });

  it('is 10 with data when a signature is wrong', async () => {
    const text = Buffer.from(made.files['signer bundle']).toString('utf8');
    const sig = /"eve\/ed25519","sig":"(.)/.exec(text)!;
    const other = sig[1] === 'A' ? 'B' : 'A';
    home.write('forged.file', text.replace(sig[0], `"eve/ed25519","sig":"${other}`));
    const { data, error } = await home.json<InspectResult>(['inspect', 'forged.file'], 10);
    expect(error).toMatchObject({ code: 'VerificationFailed' });
    expect(data?.verdict).toBe('something invalid');
    expect(data?.signatures.filter((one) => one.verdict === 'invalid').map((one) => one.keyid)).toEqual([
      'eve/ed25519',
    ]);
  });

  it('takes no keys from a file in which something is invalid', async () => {
    const spoil = (kind: 'signer bundle' | 'genesis'): void => {
      const text = Buffer.from(made.files[kind]).toString('utf8');
      home.write(
        'spoilt.key',
        text.replace(/"sig":"(.)/, (_, first) => `"sig":"${first === 'A' ? 'B' : 'A'}`),
      );
    };
    await home.json(['inspect', 'signer-bundle.file', '--key', 'signer-bundle.file']);
    for (const kind of ['signer bundle', 'genesis'] as const) {
      spoil(kind);
      const { data, error } = await home.json(['inspect', 'proposal.file', '--key', 'spoilt.key'], 10);
      expect(data).toBeUndefined();
      expect(error).toMatchObject({
        code: 'VerificationFailed',
        message: `spoilt.key: a ${kind} with something invalid in it; its keys are not used`,
        hint: expect.stringContaining('ronctl inspect spoilt.key'),
      });
    }
    const envelope = JSON.parse(Buffer.from(made.files['signer bundle']).toString('utf8')) as { signatures: unknown[] };
    envelope.signatures.pop();
    home.write('stripped.key', `${JSON.stringify(envelope)}\n`);
    const stripped = await home.json(['inspect', 'proposal.file', '--key', 'stripped.key'], 10);
    expect(stripped.error?.message).toContain('stripped.key: a signer bundle with something invalid');
  });

  it('is 3 for a file of somebody else, an empty one and one that is broken', async () => {
    home.write('other.txt', 'hello\n');
    home.write('empty', '');
    home.write('broken.json', Buffer.from(made.files.statement).subarray(0, -1));
    expect((await home.json(['inspect', 'other.txt'], 3)).error?.message).toBe(
      'other.txt is no file that ronctl recognises',
    );
    expect((await home.json(['inspect', 'empty'], 3)).error?.message).toBe('empty is no file that ronctl recognises');
    expect((await home.json(['inspect', 'broken.json'], 3)).error?.message).toContain('does not end in one line feed');
  });

  it('is 4 for a file that is not there, 3 for a directory', async () => {
    expect((await home.json(['inspect', 'nothing'], 4)).error?.code).toBe('NotFound');
    expect((await home.json(['inspect', '.'], 3)).error?.message).toContain('is a directory, not a file');
  });

  it('reads standard input', async () => {
    const { data } = await home.json<InspectResult>(['inspect', '-', '--key', 'log.json'], 0, {
      stdin: made.files.checkpoint,
    });
    expect(data).toMatchObject({ kind: 'checkpoint', file: '-' });
  });

  it('streams a segment of any length, and refuses another long file', async () => {
    const line = made.files['audit segment'];
    const long = home.write('long.jsonl', line);
    const filler = Buffer.alloc(64 * 1024, 0x20);
    filler[filler.length - 1] = 0x0a;
    for (let bytes = line.length; bytes <= 1024 * 1024; bytes += filler.length) appendFileSync(long, filler);
    const { data } = await home.json<InspectResult>(['inspect', 'long.jsonl'], 10);
    expect(data?.kind).toBe('audit segment');
    expect(data?.sha256).toBeNull();
    expect(data?.checks[0]).toMatchObject({ ok: false, what: 'record 3' });
    home.write('long.txt', Buffer.alloc(1024 * 1024 + 1, 0x41));
    expect((await home.json(['inspect', 'long.txt'], 3)).error?.code).toBe('TooLarge');
  });

  it('escapes text that would act on the terminal', async () => {
    const { data } = await home.json<InspectResult>(['inspect', 'draft.file']);
    expect(data?.members.find((one) => one.name === 'rationale')?.value).toBe('hybrid AND cutover');
    const payload = Buffer.from('{"rationale":"a\\u001b[31mred \u202e"}').toString('base64');
    home.write('acting.file', `{"payload":"${payload}","type":"application/vnd.ron.gov.draft.v1+json"}\n`);
    const run = await home.run(['inspect', 'acting.file']);
    expect(run.exit).toBe(0);
    expect(run.stdout).toContain('a\\u{1b}[31mred \\u{202e}');
    expect(run.stdout).not.toMatch(/[\u001b\u202e]/);
  });
});
