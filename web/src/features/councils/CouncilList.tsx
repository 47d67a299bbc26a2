import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { AgentMark } from './AgentMark';
import { councilName, type Listed } from './council';
import styles from './councils.module.css';
import { councilPaths } from './places';
import { useSeats } from './useSeats';

interface CouncilListProps {
  readonly councils: readonly Listed[];
  readonly shownId: string | null;
}

export function CouncilList({ councils, shownId }: CouncilListProps) {
  const { t } = useTranslation('councils');
  const own = councils.filter(({ preset }) => !preset);
  return (
    <nav className={styles['list']} aria-label={t('list.label')}>
      <h2 className={styles['overline']}>{t('list.presets')}</h2>
      <Items councils={councils.filter(({ preset }) => preset)} shownId={shownId} />
      <h2 className={styles['overline']}>{t('list.own')}</h2>
      {own.length === 0 ? (
        <p className={styles['none']}>{t('list.none')}</p>
      ) : (
        <Items councils={own} shownId={shownId} />
      )}
    </nav>
  );
}

function Items({ councils, shownId }: CouncilListProps) {
  const { t } = useTranslation('councils');
  const seats = useSeats();
  return (
    <ul className={styles['items']}>
      {councils.map((council) => (
        <li key={council.id}>
          <Link
            href={councilPaths.see(council.id)}
            className={styles['item']}
            aria-current={council.id === shownId ? 'true' : undefined}
          >
            <span className={styles['itemName']}>
              {councilName(council)}
              {council.preset && <span className={styles['tag']}>{t('list.readOnly')}</span>}
            </span>
            <span className={styles['itemMarks']} aria-hidden="true">
              {council.agents.map((seat, at) => (
                <AgentMark key={seat.agentId} agentId={seat.agentId} role={seat.role} index={at} size="1em" />
              ))}
            </span>
            <span className={styles['itemSeats']}>{seats(council)}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
