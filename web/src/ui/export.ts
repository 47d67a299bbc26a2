/** A deliberation as a document of its own: Markdown to read, JSON to keep. Pure, but for `download`. */
import type { TFunction } from 'i18next';
import { foldAll } from '@/protocol/fold';
import type { AgentCard, DeliberationState, LaneState, MagiEvent, VerdictGiven } from '@/protocol/types';
import { causeWords } from './causes';
import type { Formats } from './format';
import { codeOf, splitBlocks } from './MarkdownBlocks';
import { noteSentences, reservationsOf, reservationWords } from './reservations';

/** `useTranslation(['deliberation', 'common']).t` */
export type ExportWords = TFunction<['deliberation', 'common']>;

/** Every event, and the state that they make. */
export function deliberationJson(events: readonly MagiEvent[]): string {
  return `${JSON.stringify({ state: foldAll(events), events }, null, 2)}\n`;
}

/** What limits the outcome comes first, then the outcome, then everything that was said. */
export function deliberationMarkdown(state: DeliberationState, t: ExportWords, formats: Formats): string {
  const parts = [
    `# ${t('export.title')}`,
    ...limits(state, t),
    outcome(state, t, formats),
    `## ${t('export.question')}`,
    quoted(state.start?.question ?? ''),
    ...(state.verdict == null ? [] : verdict(state.verdict, state, t, formats)),
    ...state.lanes.flatMap((lane) => statement(lane, state, t, formats)),
    `## ${t('export.record')}`,
    record(state, t, formats),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** Without what a file system could stumble over. */
export function exportName(deliberationId: string, ending: 'md' | 'json'): string {
  return `magi-${deliberationId.replace(/[^\w-]+/g, '_').slice(0, 64)}.${ending}`;
}

/** Gives a text to the browser to keep as a file. */
export function download(name: string, type: 'text/markdown' | 'application/json', text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // Revoked at once, it can be gone before the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function limits(state: DeliberationState, t: ExportWords): readonly string[] {
  const sentences = [
    ...ending(state, t),
    ...reservationsOf(state).flatMap((reservation) => reservationWords(t, reservation)),
    ...noteSentences(t, state),
  ];
  return sentences.map((sentence) => quoted(`**${escaped(sentence)}**`));
}

function ending({ complete, cancelled, error }: DeliberationState, t: ExportWords): readonly string[] {
  if (complete != null) return [];
  if (cancelled != null) return [t('limits.cancelled')];
  if (error == null) return [t('export.unfinished')];
  return [t('limits.failed', { cause: causeWords(t, error.error) }), error.message];
}

function outcome({ complete }: DeliberationState, t: ExportWords, formats: Formats): string {
  if (complete == null) return '';
  const { decision, confidence, outcome: found, tally } = complete;
  if (found === 'answered') return `**${t('common:outcome.answered')}**`;
  const named = decision == null ? t('export.noDecision') : t(`common:decision.${decision}`);
  return [
    `**${t('export.outcome')}: ${named}** (${t(`common:outcome.${found}`)})`,
    confidence == null ? '' : `${t('common:confidence')} ${formats.percent(confidence)}`,
    (['approved', 'rejected', 'abstained', 'failed'] as const).map((key) => t(`tally.${key}`, { n: tally[key] })).join(', '),
  ]
    .filter((line) => line !== '')
    .join('  \n'); // prettier-ignore
}

function verdict(given: VerdictGiven, state: DeliberationState, t: ExportWords, formats: Formats): readonly string[] {
  const { decision, confidence, summary, recommendation, reasoning, scores } = given;
  return [
    `## ${t('verdict.title')}: ${escaped(nameOf(given.agentId, state))}`,
    `**${t(`common:decision.${decision}`)}**, ${t('common:confidence')} ${formats.percent(confidence)}`,
    lowered(summary),
    ...section(t('verdict.recommendation'), recommendation),
    ...section(t('verdict.reasoning'), reasoning),
    ...(scores.length === 0 ? [] : [`### ${t('verdict.scores')}`]),
    scores
      .map(({ agentId, score, reasoning: why }) => `- **${escaped(nameOf(agentId, state))}: ${score}** ${oneLine(why)}`)
      .join('\n'),
  ];
}

function section(title: string, text: string): readonly string[] {
  return text.trim() === '' ? [] : [`### ${title}`, lowered(text)];
}

function statement(lane: LaneState, state: DeliberationState, t: ExportWords, formats: Formats): readonly string[] {
  const card = cardOf(lane.agentId, state);
  const said = lane.text.trim() === '' ? `*${t('lane.nothing')}*` : lowered(lane.text);
  const role = card === undefined ? '' : ` · ${t(`common:role.${card.role}`)}`;
  return [`## ${escaped(nameOf(lane.agentId, state))}${role}`, vote(lane, card, t, formats), said];
}

function vote(lane: LaneState, card: AgentCard | undefined, t: ExportWords, formats: Formats): string {
  const { decision, confidence, reasoning, cause } = lane;
  const why = cause == null ? '' : ` (${causeWords(t, cause)})`;
  if (decision == null) {
    const isDone = lane.status === 'ruled' || lane.status === 'answered';
    return card?.role === 'judge' && isDone ? '' : `**${t('export.noVote')}**${escaped(why)}`;
  }
  const sure = confidence == null ? '' : `, ${t('common:confidence')} ${formats.percent(confidence)}`;
  const head = `**${t('export.vote')}: ${t(`common:decision.${decision}`)}**${sure}${escaped(why)}`;
  return reasoning == null || reasoning.trim() === '' ? head : `${head}\n\n${quoted(reasoning)}`;
}

function record({ start, complete }: DeliberationState, t: ExportWords, formats: Formats): string {
  if (start == null) return '';
  const models = start.council.agents.map(({ name, model }) => `${name}: ${model}`).join(', ');
  const rows: readonly (readonly [string, string | null])[] = [
    [t('export.date'), `${formats.moment(start.timestamp)} (${start.timestamp})`],
    [t('export.id'), start.deliberationId],
    [t('export.session'), start.sessionId],
    [t('export.council'), start.council.id],
    [t('export.rule'), t(`common:rule.${start.council.rule}`)],
    [t('export.model'), models],
    [t('figures.time'), complete == null ? null : formats.duration(complete.executionTime)],
    [t('figures.input'), complete == null ? null : formats.count(complete.usage.inputTokens)],
    [t('figures.output'), complete == null ? null : formats.count(complete.usage.outputTokens)],
    [t('figures.cost'), complete?.costUsd == null ? null : formats.cost(complete.costUsd)],
    [t('figures.log'), complete?.digest ?? null],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [`- ${name}: ${escaped(value)}`])).join('\n');
}

function cardOf(agentId: string, { start }: DeliberationState): AgentCard | undefined {
  return start?.council.agents.find((card) => card.agentId === agentId);
}

function nameOf(agentId: string, state: DeliberationState): string {
  return cardOf(agentId, state)?.name ?? agentId;
}

/** Below the document's own headings. What stands in a fence of the top level is code, whatever it begins with. */
function lowered(text: string): string {
  return splitBlocks(text.trim())
    .map((block) => (codeOf(block) === null ? block.replace(/^(#{1,6})(?=[ \t])/gm, '###$1').replace(/^#{7,}/gm, '######') : block))
    .join(''); // prettier-ignore
}

function quoted(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** A short text that is none of ours, so that it is no markup either. */
function escaped(text: string): string {
  return oneLine(text).replace(/[\\`*[\]<>#|]/g, '\\$&');
}
