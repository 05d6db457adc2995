import { causeTitles } from '../diagnostics/causeTitles';
import type { Finding } from '../diagnostics/finding';
import { escapeMarkdown, type L10n } from './words';

/**
 * All that is known of a finding, as Markdown: what happened, each cause with what speaks for and
 * against it, every observation with its time and source, and what to do. Foreign text is escaped.
 */
export function explanation(finding: Finding, l10n: L10n): string {
  const { causes, evidence, remedy, firstAt, lastAt, count, message } = finding;
  const text = (foreign: string): string => escapeMarkdown(foreign, 2000);
  return [
    `# ${text(causeTitles[finding.guide])}`,
    text(message),
    text(l10n.t('First seen {0}, last seen {1}, {2} time(s).', firstAt, lastAt, count)),
    `## ${text(l10n.t('Causes'))}`,
    ...causes.map(({ id, confidence, why }) => {
      const [speaksFor = '', ...against] = why.split('; but ');
      return [
        `1. **${text(causeTitles[id])}** \\(${Math.round(confidence * 100)}%, \`${id}\`\\)`,
        ...(speaksFor === '' ? [] : [`    - ${text(l10n.t('For it: {0}', speaksFor))}`]),
        ...against.map((reason) => `    - ${text(l10n.t('Against it: {0}', reason))}`),
      ].join('\n');
    }),
    `## ${text(l10n.t('Evidence'))}`,
    evidence.length === 0
      ? text(l10n.t('Nothing more was seen.'))
      : evidence
          .map(({ at, source, text: seen }) => `- ${text(`${at}, ${source}: ${seen}`)}`)
          .join('\n'),
    `## ${text(l10n.t('What to do'))}`,
    remedy.map((step) => `1. ${text(step)}`).join('\n'),
    '',
  ].join('\n\n');
}
