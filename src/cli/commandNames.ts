/** All commands of `robo`. */
export const commandNames = [
  'test',
  'status',
  'monitor',
  'run',
  'stop',
  'reconnect',
  'acknowledge',
  'quiet',
  'alerts',
  'watch',
  'unwatch',
  'ps',
  'kill-duplicates',
  'dashboard',
  'diagnose',
  'log',
  'guide',
  'drill',
  'simulate',
  'report',
  'shutdown',
  'service',
  'uninstall',
] as const;

export type CommandName = (typeof commandNames)[number];

/** Whether a word of the command line is a command. */
export function isCommandName(word: string): word is CommandName {
  return commandNames.some((name) => name === word);
}
