import { Argument, Command } from 'commander';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { vocabulariesOf } from '../completion/vocabulary.ts';
import { zshCompletion } from '../completion/zsh.ts';
import { print } from '../output.ts';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export function completionCommand(): Command {
  return new Command('completion')
    .description('print a script that has your shell complete commands, options and choices')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      `
It completes the name arcadia, which \`npm link\` in this folder makes a command.

Examples:
  source <(arcadia completion bash)                                    # in ~/.bashrc
  source <(arcadia completion zsh)                                     # in ~/.zshrc, after compinit
  arcadia completion fish > ~/.config/fish/completions/arcadia.fish
  npm run --silent cli -- completion bash > arcadia.bash`,
    )
    .action((shell: keyof typeof SHELLS, _options: object, command: Command) => {
      const program = command.parent ?? command;
      const script = SHELLS[shell](program.name(), vocabulariesOf(program));
      // Ours from the first line to the last.
      // eslint-disable-next-line no-restricted-syntax
      print(command, { shell, script }, () => script.trimEnd());
    });
}
