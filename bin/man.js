// Writes the manual pages of section 1 to man/ from the built command manifest, ron-kms.toml(5) and the lists of
// ronctl-monitoring(7) from their tables: npm run build && npm run man.

import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { commandList } from '../src/cli/command-list.ts';
import { serverConfigPage } from '../src/cli/man-config.ts';
import { filledPage } from '../src/cli/man-monitoring.ts';
import { manPages } from '../src/cli/man-page.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readJson = (name) => JSON.parse(readFileSync(`${root}/${name}`, 'utf8'));

const { oclif, description } = readJson('package.json');
const commands = commandList(Object.values(readJson('oclif.manifest.json').commands), oclif.bin);
const topics = Object.entries(oclif.topics).map(([name, topic]) => ({ name, description: topic.description }));

for (const stale of globSync('man/*.1', { cwd: root })) rmSync(`${root}/${stale}`);
for (const [name, text] of manPages(commands, topics, description)) writeFileSync(`${root}/man/${name}`, text);
writeFileSync(`${root}/man/ron-kms.toml.5`, serverConfigPage());

const monitoring = `${root}/man/ronctl-monitoring.7`;
writeFileSync(monitoring, filledPage(readFileSync(monitoring, 'utf8')));
