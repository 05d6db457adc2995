import { catalogue } from '../../src/diagnostics/catalogue';
import { causeIds } from '../../src/diagnostics/causeIds';

/** Where the hand-written part of the guide ends. */
export const causesHeading = '# When something is wrong';

/** The sections of all causes, as the guide must carry them: anchor, title, why, what to do. */
export function causeSections(): string {
  const sections = causeIds.map((id) => {
    const { title, looksLike, tellsApart, remedy } = catalogue[id];
    return [
      `<a id="${id}"></a>`,
      '',
      `## ${title}`,
      '',
      `\`${id}\``,
      '',
      `**What you see:** ${looksLike}`,
      '',
      `**What tells it apart:** ${tellsApart}`,
      '',
      '**What to do:**',
      '',
      ...remedy.map((step, index) => `${index + 1}. ${step}`),
      '',
    ].join('\n');
  });
  return `${causesHeading}\n\n${sections.join('\n')}`;
}
