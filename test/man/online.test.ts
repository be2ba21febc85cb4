// ronctl-online(7) against the commands: each command with --kms stands in exactly one place of it, and no other.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT } from '../support/binary.ts';

const page = readFileSync(join(PROJECT, 'man', 'ronctl-online.7'), 'utf8');
const manifest = JSON.parse(readFileSync(join(PROJECT, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, { flags: Record<string, unknown> }>;
};

function listed(name: string): string[] {
  const block = page.slice(page.indexOf(`begin ${name}`), page.indexOf(`end ${name}`));
  return [...block.matchAll(/^\.Ic (.*)$/gm)].flatMap(([, names]) => names!.split(',').map((one) => one.trim()));
}

const withFlag = (flag: string): string[] =>
  Object.entries(manifest.commands)
    .filter(([, { flags }]) => flag in flags)
    .map(([id]) => id.replaceAll(':', ' '))
    .sort();

test('every command that knows servers has its place, once', () => {
  const places = ['executed', 'read', 'signed', 'told'].flatMap(listed).filter((one) => one !== '');
  expect(places.toSorted()).toEqual(withFlag('kms'));
});

test('what the server executes can be explained', () => {
  expect(listed('executed').filter(Boolean).toSorted()).toEqual(withFlag('explain'));
});
