// oclif's hook for a command that does not exist: Usage (2) with the nearest names, instead of oclif's 127.

import type { Hook } from '@oclif/core';
import { nearest } from '../bytes/nearest.ts';
import { RonError } from '../errors.ts';

const spaced = (id: string): string => id.replaceAll(':', ' ');

const notFound: Hook.CommandNotFound = async ({ id, config }) => {
  const typed = spaced(id);
  const known = config.commands.filter(({ hidden }) => !hidden).map((command) => spaced(command.id));
  const owner = known.findLast((name) => typed.startsWith(`${name} `));
  if (owner !== undefined) {
    const extra = typed.slice(owner.length + 1);
    throw new RonError('Usage', `unexpected argument ${extra}`, {
      field: extra,
      hint: `See \`ronctl ${owner} --help\`.`,
    });
  }
  const topics = known.filter((name) => name.startsWith(`${typed.split(' ')[0]} `));
  const near = nearest(typed, topics.length > 0 ? topics : known).map((name) => `ronctl ${name}`);
  throw new RonError('Usage', `there is no command ronctl ${typed}`, {
    field: typed,
    hint: `${near.length === 0 ? '' : `Did you mean: ${near.join(', ')}? `}\`ronctl --help\` lists all.`,
  });
};

export default notFound;
