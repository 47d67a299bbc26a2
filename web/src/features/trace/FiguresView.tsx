import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { MagiEvent } from '@/protocol/types';
import { agentLook } from '@/ui/agents';
import { useFormats, type Formats } from '@/ui/format';
import { Icon } from '@/ui/Icon';
import { figures, type Figures } from './figures';
import styles from './FiguresView.module.css';

type FigureName = keyof Figures;

const NAMES: readonly FigureName[] = [
  'firstTokenMs',
  'durationMs',
  'tokensPerS',
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'costUsd',
  'attempts',
  'modelCalls',
  'uncountedCalls',
];

/** Shown only where anybody has it: most providers do not, and most calls are counted. */
const RARE: ReadonlySet<FigureName> = new Set(['cacheReadTokens', 'cacheWriteTokens', 'uncountedCalls']);

export function FiguresView({ events }: { readonly events: readonly MagiEvent[] }) {
  const { t } = useTranslation('trace');
  const formats = useFormats();
  const { agents, total } = useMemo(() => figures(events), [events]);
  const columns: readonly Figures[] = [...agents, total];
  const names = NAMES.filter((name) => !RARE.has(name) || columns.some((column) => column[name] !== null));
  return (
    <div className={styles['view']}>
      <div className={styles['scroll']} role="region" aria-label={t('view.figures')} tabIndex={0}>
        <table className={styles['table']}>
          <thead>
            <tr>
              <td />
              {agents.map(({ agent }, index) => {
                const { icon, colour } = agentLook(agent.agentId, agent.role, index);
                return (
                  <th key={agent.agentId} scope="col">
                    <span className={styles['agent']} style={{ color: colour }}>
                      <Icon name={icon} size="0.875rem" />
                    </span>
                    {agent.name}
                  </th>
                );
              })}
              <th scope="col">{t('figures.total')}</th>
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name}>
                <th scope="row">{t(`figures.${name}`)}</th>
                {columns.map((column, place) => (
                  // The columns are the council's seats and then the total: they do not move.
                  <td key={agents[place]?.agent.agentId ?? 'total'}>{written(column[name], name, formats)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className={styles['note']}>{t('figures.note')}</p>
    </div>
  );
}

function written(value: number | null, name: FigureName, formats: Formats): string {
  if (value === null) return '–';
  switch (name) {
    case 'firstTokenMs':
    case 'durationMs':
      return value < 1_000 ? `${formats.count(Math.round(value))} ms` : formats.duration(value);
    case 'costUsd':
      return formats.cost(value);
    case 'tokensPerS':
      return `${formats.count(Math.round(10 * value) / 10)}/s`;
    default:
      return formats.count(value);
  }
}
