import type { Argument, Command, Option } from 'commander';

/** What can be typed after a command. */
export interface Vocabulary {
  /** `month-end start`; of the program itself: empty. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly OptionWord[];
  /** What its first argument may be; null: anything, or there is none. */
  readonly choices: readonly string[] | null;
  readonly takesFile: boolean;
}

export interface Word {
  readonly name: string;
  readonly description: string;
}

export interface OptionWord extends Word {
  readonly takesValue: boolean;
  readonly choices: readonly string[] | null;
}

/** All commands of a program, the program first, each with what may follow. */
export function vocabulariesOf(program: Command): readonly Vocabulary[] {
  const everywhere = [...program.options.filter(({ hidden }) => !hidden).map(toOptionWord), HELP];
  return walk(program, '', everywhere);
}

const HELP: OptionWord = {
  name: '--help',
  description: 'display help for command',
  takesValue: false,
  choices: null,
};

function walk(
  command: Command,
  path: string,
  everywhere: readonly OptionWord[],
): readonly Vocabulary[] {
  const [argument] = command.registeredArguments;
  const own = command.parent === null ? [] : command.options.filter(({ hidden }) => !hidden);
  return [
    {
      path,
      commands: command.commands.map((child) => ({
        name: child.name(),
        description: child.description(),
      })),
      options: [...own.map(toOptionWord), ...everywhere],
      choices: argument?.argChoices ?? null,
      takesFile: argument !== undefined && isFile(argument),
    },
    ...command.commands.flatMap((child) =>
      walk(child, path === '' ? child.name() : `${path} ${child.name()}`, everywhere),
    ),
  ];
}

function toOptionWord({
  long,
  flags,
  description,
  required,
  optional,
  argChoices,
}: Option): OptionWord {
  return {
    name: long ?? flags,
    description,
    takesValue: required || optional,
    choices: argChoices ?? null,
  };
}

/** By the name that every command gives it. */
function isFile(argument: Argument): boolean {
  return argument.name() === 'file';
}
