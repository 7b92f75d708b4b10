/**
 * What the core says of an election, in the words of `nest-leader-election`: its option for the table, and the class
 * that its users extend where they would call `schema()`. It changes words, never what they say.
 */

/** `schema()`, also with an argument, and also where the end of a long text is cut off. */
const CALL = String.raw`\bschema\([^()]*\)?`;
const PRINTS = String.raw` prints(?: it\b)?(?: for that schema and namespace)?`;
const WORDS: readonly [RegExp, string][] = [
  [/\bcreateTable\b/g, 'createTableOnInit'],
  [
    new RegExp(`\\brun what ${CALL}${PRINTS}`, 'g'),
    'run a migration that extends LeaderElectionMigrationBase',
  ],
  [new RegExp(`${CALL}${PRINTS}`, 'g'), 'LeaderElectionMigrationBase makes it'],
  [new RegExp(CALL, 'g'), 'LeaderElectionMigrationBase'],
];

export function inWordsOfTheModule(message: string): string {
  return WORDS.reduce((text, [word, ours]) => text.replace(word, ours), message);
}
