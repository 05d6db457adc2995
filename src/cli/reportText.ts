import { catalogue } from '../diagnostics/catalogue';
import type { Finding } from '../diagnostics/finding';
import type { LayerResult, LayerStatus, PreflightReport } from '../preflight/report';
import { printable, type Style } from './style';

const words: Readonly<Record<LayerStatus, string>> = {
  pass: 'pass',
  warn: 'warn',
  fail: 'FAIL',
  unknown: 'unknown',
  skipped: 'skipped',
};

/** One line for one layer. */
export function layerLine(layer: LayerResult, style: Style): string {
  const paint =
    layer.status === 'pass'
      ? style.good
      : layer.status === 'fail'
        ? style.bad
        : layer.status === 'skipped'
          ? style.dim
          : style.warn;
  const time = layer.status === 'skipped' ? '' : `${layer.durationMs} ms`;
  return `  ${paint(words[layer.status].padEnd(7))}  ${layer.layer.padEnd(8)} ${time.padStart(8)}  ${printable(layer.summary)}`;
}

/**
 * A finding: what happened, the ranked causes, the evidence, what to do.
 * @param place the folder that it is about, where that must be said
 */
export function findingText(finding: Finding, style: Style, place?: string): string {
  const lines = [
    `${severityWord(finding, style, place)} ${printable(finding.message)}`,
    '',
    'Likely causes:',
  ];
  finding.causes.forEach((cause, index) => {
    const sure = `${Math.round(cause.confidence * 100)} %`;
    lines.push(
      `  ${index + 1}. ${style.bold(catalogue[cause.id].title)} (${cause.id}, ${sure})`,
      `     ${printable(cause.why)}`,
    );
  });
  if (finding.evidence.length > 0) {
    lines.push('', 'Evidence:');
    for (const { source, at, text } of finding.evidence) {
      lines.push(`  - ${printable(text)} ${style.dim(`[${printable(source)}, ${at}]`)}`);
    }
  }
  lines.push('', 'What to do:');
  finding.remedy.forEach((step, index) => {
    lines.push(`  ${index + 1}. ${printable(step)}`);
  });
  lines.push(`  More: robo guide ${finding.guide}`);
  return lines.join('\n');
}

function severityWord(finding: Finding, style: Style, place: string | undefined): string {
  const where = place === undefined ? ':' : ` in ${printable(place)}:`;
  switch (finding.severity) {
    case 'error':
      return style.bad(`Problem${where}`);
    case 'warning':
      return style.warn(`Warning${where}`);
    case 'info':
      return `Note${where}`;
  }
}

/** The end of a test: passed, or the layer where it stopped and the findings. */
export function verdictText(report: PreflightReport, style: Style): string {
  const findings = report.findings.map((finding) => `\n${findingText(finding, style)}\n`).join('');
  if (report.ok) {
    return `${style.good('Passed')} in ${report.durationMs} ms.${findings}`;
  }
  const where =
    report.failedLayer ??
    report.unknownLayer ??
    report.layers.find(({ status }) => status === 'skipped')?.layer;
  return `${style.bad('Not passed')}: stopped at ${where ?? 'an unknown layer'}.\n${findings}`;
}
