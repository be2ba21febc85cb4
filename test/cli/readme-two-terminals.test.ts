// README, "Two terminals", as a stranger follows it: the commands of both blocks run as written, in order; `kms serve` goes on
// in the background. Only what a terminal would ask for is added.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT, temporaryHome } from '../support/binary.ts';
import { auditRecords, type Server, startServer } from '../support/server.ts';

const README = readFileSync(join(PROJECT, 'README.md'), 'utf8');

/** The fenced blocks of the chapter, continuation lines joined. */
function blocks(): string[][] {
  const begin = README.indexOf('\n## Two terminals');
  const chapter = README.slice(begin, README.indexOf('\n## ', begin + 1));
  return [...chapter.matchAll(/\n```\n([\s\S]*?)\n```/g)].map(([, block]) =>
    block!
      .replaceAll(/ *\\\n\s*/g, ' ')
      .split('\n')
      .filter((line) => line.startsWith('bin/ronctl ')),
  );
}

const words = (line: string): string[] => [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
const ROLE_OF = { 'policy-owner': 'alice', 'security-officer': 'bob', custodian: 'carol' } as const;

interface Result {
  readonly proposal?: { readonly id: string; readonly digest: string };
  readonly kid?: string;
  readonly verdict?: string;
  readonly logs?: unknown;
}

const home = temporaryHome();

/** Passphrases, and the digest in place of the retyped id. */
function answers(argv: readonly string[], seen: ReadonlyMap<string, string>): string[] {
  const pass = (name: string): string => home.passphrase(name);
  const [topic, verb] = argv;
  if (topic === 'signer') return ['--passphrase-file', pass(argv[2]!)];
  if (verb === 'init') {
    return ['alice', 'bob', 'carol', 'store'].flatMap((name) => ['--passphrase-file', `${name}=${pass(name)}`]);
  }
  if (verb === 'propose') return ['--passphrase-file', pass('alice')];
  if (verb === 'approve') {
    const signer = ROLE_OF[argv[argv.indexOf('--role') + 1] as keyof typeof ROLE_OF];
    return ['--passphrase-file', pass(signer), '--expect-digest', seen.get('digest')!];
  }
  return topic === 'init' || topic === 'cap' ? ['--passphrase-file', pass('store')] : [];
}

it('the chapter keeps its promises', async () => {
  home.write('release.tar', 'content');
  const [first, second] = blocks();
  expect(first!.at(-1)).toBe('bin/ronctl kms serve');
  expect(second!.length).toBeGreaterThan(15);
  const seen = new Map<string, string>();
  let server: Server | null = null;
  const verified: string[] = [];
  for (const line of [...first!, ...second!]) {
    const [command, comment = ''] = line.split(/\s+# /);
    const promised = Number(/^exit (\d+)/.exec(comment)?.[1] ?? 0);
    const argv = words(command!)
      .slice(1)
      .map((word) => (word === 'ID' ? seen.get('id')! : word === 'KID' ? seen.get('kid')! : word));
    if (line === 'bin/ronctl kms serve') {
      server = await startServer(home);
      continue;
    }
    const online = server === null ? {} : { env: { RONCTL_KMS: 'local' } };
    const { data, mode } = await home.json<Result>([...argv, ...answers(argv, seen)], promised, online);
    const isLocal = server === null || argv.includes('none');
    expect([line, mode]).toEqual([line, isLocal ? 'offline' : 'online']);
    if (argv[1] === 'propose') {
      seen.set('id', data!.proposal!.id);
      seen.set('digest', data!.proposal!.digest);
    }
    if (argv[0] === 'kms' && argv[1] === 'create') seen.set('kid', data!.kid!.replace(/#v1$/, ''));
    if (argv[0] === 'audit') verified.push(data!.verdict!);
  }
  expect(verified).toEqual(['consistent', 'consistent']);
  expect(await server!.stop()).toBe(0);
  const ops = auditRecords(home).map(({ op }) => op);
  for (const op of ['start', 'mint', 'create', 'ledger.append', 'rotate', 'sign', 'stop']) expect(ops).toContain(op);
});
