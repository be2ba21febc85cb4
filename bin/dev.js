// Runs src by the runtime's own type stripping, without a build and without the start checks of cli/main.ts.
// Not packed; `ronctl version` says `dev`.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { start } from '../src/cli/start.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
const toSource = (path) => path.replace('./dist/', './src/').replace(/\.js$/, '.ts');
manifest.oclif.commands = { strategy: 'pattern', target: './src/commands', globPatterns: ['**/*.ts'] };
manifest.oclif.helpClass = toSource(manifest.oclif.helpClass);
for (const [event, target] of Object.entries(manifest.oclif.hooks)) manifest.oclif.hooks[event] = toSource(target);

void start(process.argv.slice(2), { root, manifest, development: true });
