import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { SHELLS, type Shell } from '../../src/operations/completion.ts';
import { temporaryHome } from '../support/binary.ts';

const home = temporaryHome();
const scripts = new Map<Shell, string>();
const has = (shell: Shell): boolean => spawnSync(shell, ['--version']).error === undefined;

beforeAll(async () => {
  for (const shell of SHELLS) {
    const run = await home.run(['completion', shell]);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    scripts.set(shell, home.write(`ronctl.${shell}`, run.stdout));
  }
});

/** What a shell offers for a command line; the last word is the one being typed. */
const ASK: Readonly<Record<Shell, (script: string, words: readonly string[]) => readonly string[]>> = {
  bash: (script, words) => [
    '-c',
    `source '${script}'; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _ronctl; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  zsh: (script, words) => [
    '-fc',
    `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { :; }; source '${script}'; words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}; _ronctl`,
  ],
  fish: (script, words) => ['--no-config', '-c', `source '${script}'; complete -C '${words.join(' ')}'`],
};

function offered(shell: Shell, ...words: string[]): string[] {
  const run = spawnSync(shell, [...ASK[shell](scripts.get(shell)!, words)], { encoding: 'utf8', cwd: home.directory });
  expect(run.stderr).toBe('');
  const typed = words.at(-1)!;
  return run.stdout
    .split('\n')
    .map((line) => line.split('\t')[0]!)
    .filter((word) => word !== '' && word.startsWith(typed));
}

describe.each(SHELLS)('%s', (shell) => {
  const present = has(shell);

  test.runIf(present)('the script parses', () => {
    expect(spawnSync(shell, ['-n', scripts.get(shell)!], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  test.runIf(present)('offers topics and commands', () => {
    expect(offered(shell, 'ronctl', 've')).toEqual(['version']);
    expect(offered(shell, 'ronctl', 'policy', 'ke')).toEqual(['keys']);
  });

  test.runIf(present)('offers flags of the command, and their values', () => {
    expect(offered(shell, 'ronctl', 'version', '--ver')).toEqual(['--verify']);
    expect(offered(shell, 'ronctl', 'version', '--output', 'ya')).toEqual(['yaml']);
  });

  test.runIf(present)('offers the values of an argument', () => {
    expect(offered(shell, 'ronctl', 'completion', 'fi')).toEqual(['fish']);
  });
});

test('an unknown shell is refused with the known ones', async () => {
  const { error } = await home.json(['completion', 'tcsh'], 3);
  expect(error).toMatchObject({ code: 'InvalidValue' });
  expect(error?.message).toContain('bash, zsh, fish');
});
