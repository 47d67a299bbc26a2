import { useTranslation } from 'react-i18next';
import type { Decision, Outcome } from '@/protocol/types';
import { classes } from './classes';
import styles from './Decision.module.css';
import { Icon, type IconName } from './Icon';

const MARKS: Record<Decision, { readonly icon: IconName; readonly style: string }> = {
  APPROVED: { icon: 'approve', style: 'approved' },
  REJECTED: { icon: 'reject', style: 'rejected' },
  ABSTAINED: { icon: 'abstain', style: 'abstained' },
};

/** A vote's or verdict's decision: mark, word and colour. */
export function DecisionMark({ decision, large = false }: { readonly decision: Decision; readonly large?: boolean }) {
  const { t } = useTranslation('common');
  const { icon, style } = MARKS[decision];
  return (
    <span className={classes(styles['mark'], styles[style], large && styles['large'])}>
      <Icon name={icon} />
      {t(`decision.${decision}`)}
    </span>
  );
}

/** What the code concluded, where that is worth a mark of its own. */
export function OutcomeMark({ outcome }: { readonly outcome: Outcome }) {
  const { t } = useTranslation('common');
  const isWeak = outcome === 'inconclusive' || outcome === 'decided_degraded';
  return (
    <span className={classes(styles['mark'], styles[isWeak ? 'warning' : 'abstained'])}>
      <Icon name={isWeak ? 'warning' : 'info'} />
      {t(`outcome.${outcome}`)}
    </span>
  );
}
