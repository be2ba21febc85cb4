// Shell completion as a static script made from the command definitions: no command runs, no file is read, when the user
// presses Tab. Words are those of our own definitions: letters, digits, - and _ only, so nothing needs quoting in them.

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export interface CompletionCommand {
  readonly words: readonly string[];
  readonly summary: string;
  readonly flags: readonly {
    readonly name: string;
    readonly summary: string;
    readonly value?: string;
    readonly options: readonly string[];
  }[];
  readonly args: readonly { readonly options: readonly string[] }[];
}

export interface CompletionResult {
  readonly shell: Shell;
  readonly script: string;
}

/** A node of the word tree: what may follow these words. */
interface Place {
  readonly path: string;
  /** Next word and what it is. */
  readonly next: ReadonlyMap<string, string>;
  /** The command that these words are, if they are one. */
  readonly command: CompletionCommand | undefined;
}

function places(commands: readonly CompletionCommand[]): Place[] {
  const found = new Map<string, { next: Map<string, string>; command: CompletionCommand | undefined }>();
  const at = (path: string): { next: Map<string, string>; command: CompletionCommand | undefined } => {
    const known = found.get(path) ?? { next: new Map<string, string>(), command: undefined };
    found.set(path, known);
    return known;
  };
  for (const command of commands) {
    for (const [index, word] of command.words.entries()) {
      const last = index === command.words.length - 1;
      const { next } = at(command.words.slice(0, index).join(' '));
      if (last || !next.has(word)) next.set(word, last ? command.summary : `${word} …`);
    }
    at(command.words.join(' ')).command = command;
  }
  return [...found].map(([path, { next, command }]) => ({ path, next, command }));
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const flagWords = (command: CompletionCommand): string[] => command.flags.map(({ name }) => `--${name}`);
const argWords = (command: CompletionCommand): string[] => command.args.flatMap(({ options }) => options);
const valued = (command: CompletionCommand): string[] =>
  command.flags.filter(({ value }) => value !== undefined).map(({ name }) => `--${name}`);

/** bash and zsh share these tables; `$place` holds the longest known command words typed so far. */
function choiceTable(all: readonly Place[]): string {
  const rows = all.map(({ path, next, command }) => {
    const own = command === undefined ? [] : [...argWords(command), ...flagWords(command)];
    const takers = command === undefined ? [] : valued(command);
    return `    ${quoted(path)}) choices=${quoted([...next.keys(), ...own, '--help'].join(' '))} takers=${quoted(` ${takers.join(' ')} `)} ;;`;
  });
  return ['  case "$place" in', ...rows, '  esac'].join('\n');
}

/** What may follow a flag that has a closed list of values; anything else is a file. */
function valueTable(all: readonly Place[]): string {
  const rows = all.flatMap(({ path, command }) =>
    (command?.flags ?? [])
      .filter(({ options }) => options.length > 0)
      .map(({ name, options }) => `      ${quoted(`${path} --${name}`)}) choices=${quoted(options.join(' '))} ;;`),
  );
  return ['    choices=', '    case "$place $previous" in', ...rows, '    esac'].join('\n');
}

/** Sets `place`, `choices` and `takers` from the words before the cursor. */
function walk(all: readonly Place[], words: string, first: number, cursor: string): string {
  const known = quoted(`|${all.map(({ path }) => path).join('|')}|`);
  return `  local place='' candidate='' choices='' takers='' index previous
  local known=${known}
  for ((index = ${first}; index < ${cursor}; index++)); do
    candidate="\${place:+$place }\${${words}[index]}"
    [[ $known == *"|$candidate|"* ]] || break
    place=$candidate
  done
  previous=\${${words}[${cursor}-1]}
${choiceTable(all)}
  if [[ $takers == *" $previous "* ]]; then
${valueTable(all)}
  fi`;
}

function bash(all: readonly Place[]): string {
  return `# ronctl completion for bash: source it, or put it into the directory of bash-completion.
_ronctl() {
  local current=\${COMP_WORDS[COMP_CWORD]}
${walk(all, 'COMP_WORDS', 1, 'COMP_CWORD')}
  COMPREPLY=()
  if [[ -n $choices ]]; then mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current"); fi
  if [[ \${#COMPREPLY[@]} -eq 0 && $current != -* ]]; then mapfile -t COMPREPLY < <(compgen -f -- "$current"); fi
}
complete -o filenames -F _ronctl ronctl
`;
}

function zsh(all: readonly Place[]): string {
  return `#compdef ronctl
# ronctl completion for zsh: put it as _ronctl into a directory of $fpath, or source it after compinit.
_ronctl() {
${walk(all, 'words', 2, 'CURRENT')}
  if [[ -n $choices ]]; then compadd -- \${=choices} && return; fi
  _files
}
if [[ \${funcstack[1]} == _ronctl ]]; then _ronctl "$@"; else compdef _ronctl ronctl; fi
`;
}

function fish(all: readonly Place[]): string {
  const when = (path: string): string => quoted(`__ronctl_at ${quoted(path)}`);
  const lines = all.flatMap(({ path, next, command }) => [
    ...[...next].map(([word, summary]) => `complete -c ronctl -n ${when(path)} -f -a ${word} -d ${quoted(summary)}`),
    ...(command?.flags ?? []).map(({ name, summary, value, options }) => {
      const takes = value === undefined ? '' : options.length > 0 ? ` -x -a ${quoted(options.join(' '))}` : ' -r';
      return `complete -c ronctl -n ${when(path)} -l ${name} -d ${quoted(summary)}${takes}`;
    }),
    ...(command === undefined || argWords(command).length === 0
      ? []
      : [`complete -c ronctl -n ${when(path)} -f -a ${quoted(argWords(command).join(' '))}`]),
  ]);
  const known = all.map(({ path }) => path).filter((path) => path !== '');
  return `# ronctl completion for fish: put it into ~/.config/fish/completions/ronctl.fish.
set -g __ronctl_known ${known.map(quoted).join(' ')}
function __ronctl_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l place ''
    for word in $words
        set -l candidate (string trim -- "$place $word")
        contains -- $candidate $__ronctl_known; or break
        set place $candidate
    end
    test "$place" = "$argv[1]"
end
${lines.join('\n')}
`;
}

export async function completion({
  shell,
  commands,
}: {
  readonly shell: Shell;
  readonly commands: readonly CompletionCommand[];
}): Promise<CompletionResult> {
  const all = places(commands);
  const make = { bash, zsh, fish }[shell];
  return { shell, script: make(all) };
}
