import { catalogue } from '../../src/diagnostics/catalogue';
import type { Step } from '../../src/diagnostics/cause';
import { causeIds } from '../../src/diagnostics/causeIds';
import { stepText, systemVariants } from '../../src/diagnostics/remedy';

/** Where the hand-written part of the guide ends. */
export const causesHeading = '# When something is wrong';

/** The sections of all causes, as the guide must carry them: anchor, title, why, what to do. */
export function causeSections(): string {
  const sections = causeIds.map((id) => {
    const { title, looksLike, tellsApart, remedy, prevent } = catalogue[id];
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
      ...remedy.flatMap((step, index) => stepLines(step, index + 1)),
      '',
      ...(prevent === undefined ? [] : [`**To prevent it:** ${prevent}`, '']),
    ].join('\n');
  });
  return `${causesHeading}\n\n${sections.join('\n')}`;
}

/** A numbered step; what differs by system below it, one line each. */
function stepLines(step: Step, number: number): readonly string[] {
  if (typeof step === 'string' || step.bySystem === undefined) {
    return [`${number}. ${stepText(step, {})}`];
  }
  const { bySystem, ...general } = step;
  return [
    `${number}. ${stepText(general, {})}`,
    ...systemVariants(bySystem).map(
      ({ names, text }) => `   - ${names}: ${text.replaceAll('{port}', 'PORT')}`,
    ),
  ];
}
