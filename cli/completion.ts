import { Argument, type Command } from 'commander';
import { examples } from './context.ts';
import { printLine } from './output.ts';

const SHELLS = ['bash', 'zsh'] as const;

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in your shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText('after', examples('completion bash > ~/.local/share/bash-completion/completions/tierplane'))
    .action((shell: (typeof SHELLS)[number]) => printLine(completionScript(program, shell)));
}

/** A script that knows every command's subcommands and options, so that completing starts no process. */
export function completionScript(program: Command, shell: (typeof SHELLS)[number]): string {
  const cases = wordsByCommand(program, '').map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`);
  return `${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}_tierplane() {
  local path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  while :; do
    case $path in
${cases.map((line) => `  ${line}`).join('\n')}
    esac
    if [ -n "$words" ] || [ -z "$path" ]; then break; fi
    case $path in *' '*) path=\${path% *} ;; *) path='' ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _tierplane tierplane`;
}

/** For each command by its path, the words that may follow. */
function wordsByCommand(command: Command, path: string): (readonly [string, readonly string[]])[] {
  const options = [...command.options.map(({ long }) => long ?? ''), '--help'];
  const names = command.commands.map((child) => child.name());
  const below = command.commands.flatMap((child) =>
    wordsByCommand(child, path === '' ? child.name() : `${path} ${child.name()}`),
  );
  return [[path, [...names, ...options.filter((name) => name !== '')]], ...below];
}
