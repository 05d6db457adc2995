import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorText, HumanError } from '../core/errors';
import { catalogue } from '../diagnostics/catalogue';
import { isCauseId } from '../diagnostics/causeTitles';
import { type Command, UsageError } from './command';
import { parseFlags } from './flags';

/** Chapters of the guide that are no causes. */
const chapters = ['setup', 'daily', 'emergency'];
const anchorPattern = /^<a id="([a-z0-9_]+)"><\/a>$/;

/** `robo guide [CAUSE]`: the setup guide, whole or at that cause. */
export const guideCommand: Command = (context) => {
  const { positionals } = parseFlags(context, {}, 1);
  const [name] = positionals;
  if (name !== undefined && !isCauseId(name) && !chapters.includes(name)) {
    throw new UsageError(unknownCause(name));
  }
  const sections = readSections(readGuide());
  const chosen = name === undefined ? sections : sections.filter(({ id }) => id === name);
  if (chosen.length === 0) {
    throw new HumanError(`The guide has no section "${name ?? ''}"; install Robo again.`);
  }
  context.stdout(`${chosen.map(({ text }) => text.trim()).join('\n\n')}\n`);
  return Promise.resolve(0);
};

/** Names causes that resemble what was typed. */
function unknownCause(name: string): string {
  const wanted = name.toLowerCase();
  const near = [...chapters, ...Object.keys(catalogue)]
    .filter(
      (id) =>
        id.includes(wanted) ||
        wanted.split(/[_\s-]/).some((part) => part.length > 3 && id.includes(part)),
    )
    .slice(0, 5);
  const hint =
    near.length === 0 ? 'Without a name the whole guide is shown' : `Near: ${near.join(', ')}`;
  return `There is no cause "${name}". ${hint}.`;
}

interface Section {
  readonly id: string;
  readonly text: string;
}

/** Splits the guide at its anchors; what stands before the first has the id ''. */
function readSections(guide: string): readonly Section[] {
  const sections: { id: string; lines: string[] }[] = [{ id: '', lines: [] }];
  for (const line of guide.split('\n')) {
    const id = anchorPattern.exec(line)?.[1];
    if (id === undefined) {
      sections.at(-1)?.lines.push(line);
    } else {
      sections.push({ id, lines: [] });
    }
  }
  return sections.map(({ id, lines }) => ({ id, text: lines.join('\n') }));
}

/** The guide lies beside the bundle's folder; from the sources, one folder higher. */
function readGuide(): string {
  const places = ['..', join('..', '..')].map((up) =>
    join(__dirname, up, 'media', 'guide', 'setup.md'),
  );
  let problem: unknown;
  for (const place of places) {
    try {
      return readFileSync(place, 'utf8');
    } catch (error) {
      problem = error;
    }
  }
  throw new HumanError(
    `The setup guide cannot be read (${errorText(problem)}); install Robo again.`,
  );
}
