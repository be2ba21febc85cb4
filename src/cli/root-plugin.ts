// The one oclif plugin, made from the built command manifest. oclif's own loader would search for it, copy every command and
// sort with localeCompare, whose first call costs more than all commands do (performance page, section 1).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command, Config, Interfaces } from '@oclif/core';

type CachedCommand = Omit<Config['commands'][number], 'load'> & { readonly relativePath?: string[] };

/** `oclif.manifest.json` has its commands in the order of their ids. */
export function rootPlugin(root: string, pjson: Interfaces.PJSON): Interfaces.Plugin {
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as Interfaces.Manifest;
  const hooks = Object.entries(pjson.oclif.hooks ?? {}).map(([event, target]) => [
    event,
    [{ identifier: 'default', target }],
  ]);
  const topics = Object.entries(pjson.oclif.topics ?? {}).map(([name, topic]) => ({ ...topic, name }));
  const find = async (id: string): Promise<Command.Class> => {
    const { relativePath } = manifest.commands[id] as CachedCommand;
    const module = (await import(pathToFileURL(join(root, ...(relativePath ?? []))).href)) as {
      default: Command.Class;
    };
    const command = module.default;
    command.id = id;
    command.plugin = plugin;
    return command;
  };
  const plugin: Interfaces.Plugin = {
    _base: '',
    alias: pjson.name,
    commandIDs: Object.keys(manifest.commands),
    commands: Object.entries(manifest.commands).map(([id, command]) =>
      Object.assign(command, { load: () => find(id) }),
    ),
    commandsDir: undefined,
    findCommand: find,
    hasManifest: true,
    hooks: Object.fromEntries(hooks) as Interfaces.Plugin['hooks'],
    isRoot: true,
    load: async () => undefined,
    moduleType: 'module',
    name: pjson.name,
    options: { root },
    pjson,
    root,
    topics,
    type: 'core',
    valid: true,
    version: pjson.version,
  };
  return plugin;
}
