// The README as a stranger follows it: every command of "The main job, step by step" runs as written, in order, with the
// exit code that the README promises. Only what a terminal would ask for is added: passphrases, and the digest in place of
// the retyped id.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalText } from '../../src/bytes/canonical-json.ts';
import type { InspectResult } from '../../src/operations/inspect.ts';
import { type Envelope, PROJECT, temporaryHome } from '../support/binary.ts';

const README = readFileSync(join(PROJECT, 'README.md'), 'utf8');

/** The first fenced block of a section, continuation lines joined. */
function blockOf(title: string): string[] {
  const section = README.slice(README.indexOf(`\n## ${title}`));
  return /\n```\n([\s\S]*?)\n```/
    .exec(section)![1]!
    .replaceAll(/ *\\\n\s*/g, ' ')
    .split('\n');
}

/** Words of a line as a shell splits them, quotes removed. */
const words = (line: string): string[] => [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);

const ROLE_OF = { 'policy-owner': 'alice', 'security-officer': 'bob', custodian: 'carol' } as const;

interface Result {
  readonly proposal?: { readonly id: string; readonly digest: string };
  readonly kid?: string;
}

const home = temporaryHome();

describe('README', () => {
  it('begins with the two commands', () => {
    const first = /```\n([\s\S]*?)```/.exec(README)![1];
    expect(first).toBe('npm ci && bin/ronctl quickstart\nnpm cit\n');
  });

  it('keeps its promises in the main job', async () => {
    home.write('release.tar', 'content');
    const pass = (name: string): string => home.passphrase(name);
    const seen = new Map<string, string>();
    const opens = (argv: readonly string[]): string[] => {
      const [topic, verb] = argv;
      if (topic === 'signer') return ['--passphrase-file', pass(argv[2]!)];
      if (topic === 'governance' && verb === 'init') {
        return ['alice', 'bob', 'carol', 'store'].flatMap((name) => ['--passphrase-file', `${name}=${pass(name)}`]);
      }
      if (verb === 'propose') return ['--passphrase-file', pass('alice')];
      if (verb === 'approve') {
        const signer = ROLE_OF[argv[argv.indexOf('--role') + 1] as keyof typeof ROLE_OF];
        return ['--passphrase-file', pass(signer), '--expect-digest', seen.get('digest')!];
      }
      const store = ['init', 'execute', 'create', 'rotate', 'sign'].includes(topic === 'init' ? 'init' : verb!);
      return store ? ['--passphrase-file', pass('store')] : [];
    };
    const lines = blockOf('The main job, step by step').filter((line) => line.startsWith('bin/ronctl '));
    expect(lines.length).toBeGreaterThan(15);
    for (const line of lines) {
      const [command, comment = ''] = line.split(/\s+# /);
      const promised = Number(/^exit (\d+)/.exec(comment)?.[1] ?? 0);
      const argv = words(command!)
        .slice(1)
        .map((word) => (word === 'ID' ? seen.get('id')! : word === 'KID' ? seen.get('kid')! : word));
      const { data } = await home.json<Result>([...argv, ...opens(argv)], promised);
      if (argv[1] === 'propose') {
        seen.set('id', data!.proposal!.id);
        seen.set('digest', data!.proposal!.digest);
      }
      if (argv[1] === 'create' && argv[0] === 'kms') seen.set('kid', data!.kid!.replace(/#v1$/, ''));
    }
  });
});

/** Times, ids, digests and store ids by their shape. */
const shape = (text: string): string =>
  text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/g[pl]-[a-z2-7]{32}/g, 'ID')
    .replaceAll(/[0-9a-f]{64}/g, 'DIGEST')
    .replaceAll(/[0-9a-f]{32}/g, 'STORE')
    .replaceAll(/local:\d+:\S+/g, 'ACTOR')
    .replaceAll(/ +$/gm, '');

describe('README, what it looks like', () => {
  it('shows what quickstart prints', async () => {
    const run = await home.run(['quickstart']);
    expect(run.exit).toBe(0);
    const shown = blockOf('What it looks like').join('\n').split('\n\n');
    expect(shown.length).toBe(2);
    const printed = shape(run.stdout);
    for (const step of shown) expect(printed).toContain(shape(step));
  });
});

describe('inspect, on what the main job left behind', () => {
  const inHome = (pattern: string): string[] => globSync(pattern, { cwd: home.path }).toSorted();
  const explain = (file: string, exit: number, ...keys: readonly string[]): Promise<Envelope<InspectResult>> =>
    home.json<InspectResult>(
      ['inspect', join(home.path, file), ...keys.flatMap((key) => ['--key', join(home.path, key)])],
      exit,
    );

  it('finds every signature valid under the genesis', async () => {
    const genesis = inHome('trust/*/genesis.json')[0]!;
    const kinds = new Set<string>();
    const files = [
      'ledger/000000.jsonl',
      'audit/e0/checkpoint',
      'audit/e0/checkpoints.jsonl',
      ...inHome('store/keys/*.json'),
    ];
    for (const file of [genesis, ...files]) {
      const { data } = await explain(file, 0, genesis);
      expect([file, data?.verdict]).toEqual([file, 'nothing invalid']);
      kinds.add(data!.kind);
    }
    expect([...kinds].sort()).toEqual([
      'checkpoint',
      'checkpoint list',
      'continuity',
      'genesis',
      'key object',
      'ledger segment',
    ]);
    const ledger = await explain('ledger/000000.jsonl', 0);
    expect(ledger.data?.members.find((one) => one.name === 'signatures')?.value).toMatch(
      /^\d+ valid, 0 invalid, 0 key unknown$/,
    );
  });

  it('explains the objects inside the ledger, and finds each of them mangled', async () => {
    const lines = readFileSync(join(home.path, 'ledger/000000.jsonl'), 'utf8').trimEnd().split('\n');
    const genesis = inHome('trust/*/genesis.json')[0]!;
    const bodies = lines
      .map((line) => JSON.parse(line) as { type: string; body: { payload?: string } })
      .filter((line) => line.body.payload !== undefined);
    expect(bodies.map((line) => line.type)).toEqual(['genesis', 'proposal', 'statement', 'statement', 'execution']);
    for (const [index, line] of bodies.entries()) {
      const text = canonicalText(line.body);
      home.write(`home/object-${index}.json`, `${text}\n`);
      const { data } = await explain(`object-${index}.json`, 0, genesis);
      expect(data?.kind).toBe(line.type === 'execution' ? 'receipt' : line.type);
      const at = text.lastIndexOf('"sig":"') + 20;
      const other = text[at] === 'A' ? 'B' : 'A';
      home.write(`home/mangled-${index}.json`, `${text.slice(0, at)}${other}${text.slice(at + 1)}\n`);
      const mangled = await explain(`mangled-${index}.json`, 10, genesis);
      expect(mangled.error?.code).toBe('VerificationFailed');
      expect(mangled.data?.signatures.filter((one) => one.verdict === 'invalid').length).toBe(1);
    }
  });

  it('judges the signature of kms sign with the key object of its version', async () => {
    const bundle = home.file('release.sig');
    const keys = inHome('store/keys/*.pub.json').flatMap((key) => ['--key', join(home.path, key)]);
    expect((await home.json<InspectResult>(['inspect', bundle, ...keys])).data).toMatchObject({
      kind: 'signature bundle',
      verdict: 'nothing invalid',
    });
    expect((await home.json<InspectResult>(['inspect', bundle], 11)).data?.verdict).toBe('key unknown');
  });

  it('takes evidence of it that verifies under the pinned genesis', async () => {
    await home.json(['evidence', '--since', '1h', '--out', 'evidence']);
    const { data } = await home.json<{ readonly verdict: string }>(['audit', 'verify', 'evidence']);
    expect(data?.verdict).toBe('consistent');
  });
});
