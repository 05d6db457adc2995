import type { Finding } from '../diagnostics/finding';
import type { LayerResult, PreflightReport } from '../preflight/report';
import { causeWords } from './statusBarView';
import { type L10n, plain } from './words';

/** `hello: pass, 3 ms` with the summary where it is not simply passed. */
export function layerWords(result: LayerResult, l10n: L10n): string {
  const ms = Math.round(result.durationMs);
  const words = l10n.t('{0}: {1}, {2} ms', result.layer, statusWords(result, l10n), ms);
  return result.status === 'pass' ? words : `${words}. ${plain(result.summary)}`;
}

function statusWords(result: LayerResult, l10n: L10n): string {
  switch (result.status) {
    case 'pass':
      return l10n.t('passed');
    case 'warn':
      return l10n.t('warning');
    case 'fail':
      return l10n.t('failed');
    case 'unknown':
      return l10n.t('unknown');
    case 'skipped':
      return l10n.t('skipped');
  }
}

/** The finding that explains a report best: the first error, else the first. */
export function reportFinding(report: PreflightReport): Finding | undefined {
  return report.findings.find((finding) => finding.severity === 'error') ?? report.findings[0];
}

/** One sentence that sums a report up. */
export function verdict(report: PreflightReport, l10n: L10n): string {
  if (report.ok) {
    const latencies = report.layers
      .filter((layer) => ['hello', 'clock', 'data'].includes(layer.layer))
      .filter((layer) => layer.status === 'pass' || layer.status === 'warn')
      .map((layer) => `${layer.layer} ${Math.round(layer.durationMs)} ms`);
    const warnings = report.layers.filter((layer) => layer.status === 'warn').length;
    return warnings === 0
      ? l10n.t('The connection passed: {0}.', latencies.join(', '))
      : l10n.t('The connection passed with {0} warning(s): {1}.', warnings, latencies.join(', '));
  }
  const finding = reportFinding(report);
  if (report.failedLayer === undefined) {
    const unknown = report.layers.find((layer) => layer.layer === report.unknownLayer);
    return l10n.t('Could not find out: {0}', plain(unknown?.summary ?? finding?.message ?? ''));
  }
  const failed = report.layers.find((layer) => layer.layer === report.failedLayer);
  const what = plain(finding?.message ?? failed?.summary ?? '');
  const [step] = finding?.remedy ?? [];
  const likely = finding === undefined ? '' : causeWords(finding, l10n, 2);
  return [
    l10n.t('Failed at {0}: {1}', report.failedLayer, what),
    ...(likely === '' ? [] : [l10n.t('Likely: {0}.', plain(likely))]),
    ...(step === undefined ? [] : [l10n.t('What to do: {0}', plain(step))]),
  ].join(' ');
}

/** The whole report for the log: layers, causes, evidence, remedy. Logs are not translated. */
export function reportLines(report: PreflightReport): readonly string[] {
  const { endpoint } = report;
  const lines = [
    `Pre-flight of ${endpoint.host}:${endpoint.port}, client id ${endpoint.clientId}, ` +
      `${report.startedAt}: ${report.ok ? 'passed' : 'not passed'} in ${Math.round(report.durationMs)} ms`,
  ];
  for (const layer of report.layers) {
    lines.push(`  ${layer.layer.padEnd(8)} ${layer.status.padEnd(8)} ${plain(layer.summary)}`);
    lines.push(
      ...layer.evidence.map((item) => `    ${item.at} ${plain(item.source)}: ${plain(item.text)}`),
    );
  }
  for (const finding of report.findings) {
    lines.push(`  ${finding.severity}: ${plain(finding.message)}`);
    for (const cause of finding.causes) {
      lines.push(`    ${Math.round(cause.confidence * 100)} % ${cause.id}: ${plain(cause.why)}`);
    }
    lines.push(
      ...finding.evidence.map(
        (item) => `    ${item.at} ${plain(item.source)}: ${plain(item.text)}`,
      ),
    );
    lines.push(...finding.remedy.map((step, index) => `    ${index + 1}. ${plain(step)}`));
  }
  return lines;
}
