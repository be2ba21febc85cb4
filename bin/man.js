// Writes the manual pages of section 1 to man/ from the built command manifest, and ron-kms.toml(5) from the table of keys:
// npm run build && npm run man.

import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { commandList } from '../src/cli/command-list.ts';
import { serverConfigPage } from '../src/cli/man-config.ts';
import { manPages } from '../src/cli/man-page.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readJson = (name) => JSON.parse(readFileSync(`${root}/${name}`, 'utf8'));

const { oclif, description } = readJson('package.json');
const commands = commandList(Object.values(readJson('oclif.manifest.json').commands), oclif.bin);
const topics = Object.entries(oclif.topics).map(([name, topic]) => ({ name, description: topic.description }));

for (const stale of globSync('man/*.1', { cwd: root })) rmSync(`${root}/${stale}`);
for (const [name, text] of manPages(commands, topics, description)) writeFileSync(`${root}/man/${name}`, text);
writeFileSync(`${root}/man/ron-kms.toml.5`, serverConfigPage());
