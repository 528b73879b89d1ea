import type { OptionWord, Vocabulary, Word } from './vocabulary.ts';

/** A script that has fish complete a program's commands, options and choices, with their descriptions. */
export function fishCompletion(name: string, vocabularies: readonly Vocabulary[]): string {
  const paths = vocabularies.map(({ path }) => path).filter(Boolean);
  return `# fish completion of ${name}: source it, or put it into ~/.config/fish/completions
function __${name}_typed
    set -l typed
    for word in (commandline -opc)[2..-1]
        if contains -- (string join ' ' -- $typed $word) ${paths.map(quote).join(' ')}
            set -a typed $word
        end
    end
    string join ' ' -- $typed
end
function __${name}_at
    set -l typed (__${name}_typed)
    test "$typed" = "$argv"
end
complete -c ${name} -f
${vocabularies.flatMap((vocabulary) => linesOf(name, vocabulary)).join('\n')}
`;
}

function linesOf(name: string, vocabulary: Vocabulary): string[] {
  const { path, commands, options, choices, takesFile } = vocabulary;
  const head = `complete -c ${name} -n ${quote(`__${name}_at ${path}`.trim())}`;
  return [
    ...(takesFile ? [`${head} -F`] : []),
    ...(choices === null ? [] : [`${head} -a ${quote(choices.join(' '))}`]),
    ...commands.map((command) => `${head} -a ${quote(command.name)} ${describe(command)}`),
    ...options.map((option) => `${head} ${describeOption(option)}`),
  ];
}

function describeOption(option: OptionWord): string {
  const { name, takesValue, choices } = option;
  return [
    `-l ${name.replace(/^--/, '')}`,
    ...(takesValue ? ['-x'] : []),
    ...(choices === null ? [] : [`-a ${quote(choices.join(' '))}`]),
    describe(option),
  ].join(' ');
}

function describe({ description }: Word): string {
  return `-d ${quote(description)}`;
}

/** In fish a backslash escapes within quotes. */
function quote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
